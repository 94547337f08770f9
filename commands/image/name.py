"""What the image is called."""

from __future__ import annotations

import re
from collections.abc import Mapping

from churn.errors import InvalidImageName

NAME = "churn"
# As registries have it: a host with a port may come first.
NAMES = re.compile(r"([a-z0-9.-]+(:\d+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*", re.ASCII)


def image_name(environment: Mapping[str, str]) -> str:
    """`IMAGE`, or `churn`; the tag is added by who knows the version.

    Raises:
        InvalidImageName: it can be none.
    """
    name = environment.get("IMAGE") or NAME
    # A GitHub repository may have capitals in its name, an image may not.
    if not NAMES.fullmatch(name.lower()):
        raise InvalidImageName(name)
    return name.lower()
