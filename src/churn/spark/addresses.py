"""One way to write the address of a file: Spark has several."""

from __future__ import annotations

import re
from urllib.parse import unquote


def plain(uri: str) -> str:
    """The address of a file as Hadoop takes it, of what Spark gives (`file:///a%20b`)."""
    return re.sub(r"^file:/+", "file:/", unquote(uri))
