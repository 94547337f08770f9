"""Files that Spark reads: one way to write their addresses, and a look at many of them at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

T = TypeVar("T")
# A look is a job of its own, of which most is waiting.
AT_ONCE = 16


def plain(uri: str) -> str:
    """The address of a file as Hadoop takes it, of what Spark gives (`file:///a%20b`)."""
    return re.sub(r"^file:/+", "file:/", unquote(uri))


def names_in(spark: SparkSession, address: str) -> list[str]:
    """Names in a folder; none if the address is of something else, such as a pattern."""
    path: Any = spark.sparkContext._jvm.org.apache.hadoop.fs.Path(address)
    system = path.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
    if not system.exists(path) or system.getFileStatus(path).isFile():
        return []
    return [one.getPath().getName() for one in system.listStatus(path)]


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
