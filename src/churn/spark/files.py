"""Files that Spark reads: one way to write their addresses, and a look at many of them at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import unquote

T = TypeVar("T")
# A look is a job of its own, of which most is waiting.
AT_ONCE = 16


def plain(uri: str) -> str:
    """The address of a file as Hadoop takes it, of what Spark gives (`file:///a%20b`)."""
    return re.sub(r"^file:/+", "file:/", unquote(uri))


def of_each(files: Sequence[str], look: Callable[[str], T]) -> dict[str, T]:
    """What a look at each file finds.

    Raises:
        Exception: what the look at the first of those raised that cannot be looked at.
    """
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return dict(zip(files, pool.map(look, files), strict=True))
    finally:
        pool.shutdown(cancel_futures=True)
