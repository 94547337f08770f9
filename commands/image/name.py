"""What an image is called, and which one is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping

from churn.errors import InvalidImageName, UnknownTarget

# Stages of the Dockerfile that are images, and what they are called.
TARGETS = {"server": "churn", "batch": "churn-batch"}
# As registries have it: a host with a port may come first.
NAMES = re.compile(r"([a-z0-9.-]+(:\d+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*", re.ASCII)


def image_name(environment: Mapping[str, str]) -> str:
    """`IMAGE`, or what the target is called; the tag is added by who knows the version.

    Raises:
        InvalidImageName: it can be none.
        UnknownTarget: there is no such target.
    """
    name = environment.get("IMAGE") or TARGETS[target(environment)]
    # A GitHub repository may have capitals in its name, an image may not.
    if not NAMES.fullmatch(name.lower()):
        raise InvalidImageName(name)
    return name.lower()


def target(environment: Mapping[str, str]) -> str:
    """`TARGET`, the stage of the Dockerfile that is built: `server` or `batch`.

    Raises:
        UnknownTarget: there is no such target.
    """
    name = environment.get("TARGET") or next(iter(TARGETS))
    if name not in TARGETS:
        raise UnknownTarget(name, TARGETS)
    return name
