"""A folder that is there as a whole or not at all, wherever the cluster writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn.errors import NotAllowed, OutputExists, SparkFailed, UnfinishedSparkRun

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Folder:
    """A folder that is being filled, beside the place where it will be.

    Attributes:
        unfinished: where to write, as an address for Spark.
    """

    def __init__(self, spark: SparkSession, address: str) -> None:
        self._address = address
        # Spark has no words of its own for moving files; Hadoop's, which it writes with, have.
        self._path_of = spark._jvm.org.apache.hadoop.fs.Path
        self._final = self._path_of(address)
        self._files = self._final.getFileSystem(spark._jsc.hadoopConfiguration())
        # Of this machine's files it would write hidden sums beside each.
        self._files.setWriteChecksum(False)
        self._beside = self._hidden("unfinished")
        self.unfinished = str(self._beside.toString())

    def begin(self, *, force: bool) -> None:
        """Check that nothing is there.

        Args:
            force: something may be, and what an interrupted run has left is removed.
        Raises:
            OutputExists, UnfinishedSparkRun.
        """
        if not force and self._files.exists(self._final):
            raise OutputExists(self._address)
        if not force and self._files.exists(self._beside):
            raise UnfinishedSparkRun(self._address, self.unfinished)
        self.discard()

    def refuse(self, files: Sequence[str]) -> None:
        """Check that none of the files that are read would be replaced.

        Raises:
            NotAllowed: one lies inside.
        """
        own = f"{self._files.makeQualified(self._final).toString()}/"
        if any(file.startswith(own) for file in files):
            raise NotAllowed("OUTPUT", self._address, "another place than that of INPUT")

    def put(self, source: Path, name: str) -> None:
        """Copy a file or folder of this machine into the folder."""
        target = self._path_of(self._beside, name)
        self._files.copyFromLocalFile(self._path_of(source.absolute().as_uri()), target)

    def move(self, source: str, name: str) -> None:
        """Give what is inside the folder another name inside.

        Raises:
            SparkFailed: it cannot be moved.
        """
        target = self._path_of(self._beside, name)
        self._files.mkdirs(target.getParent())
        self._move(self._path_of(self._beside, source), target)

    def remove(self, name: str) -> None:
        """Remove what is inside the folder."""
        self._files.delete(self._path_of(self._beside, name), True)

    def discard(self) -> None:
        """Remove the folder."""
        self._files.delete(self._beside, True)

    def finish(self) -> None:
        """Move the folder to its final place, and remove what was there.

        Raises:
            SparkFailed: it cannot be moved.
        """
        old = self._hidden("replaced")
        if is_there := self._files.exists(self._final):
            self._files.delete(old, True)
            self._move(self._final, old)
        try:
            self._move(self._beside, self._final)
        except BaseException:
            if is_there:
                self._move(old, self._final)
            raise
        self._files.delete(old, True)

    def _hidden(self, kind: str) -> Any:
        name = f".{self._final.getName()}.{kind}"
        return self._path_of(self._final.getParent() or self._path_of("."), name)

    def _move(self, source: Any, target: Any) -> None:
        if not self._files.rename(source, target):
            raise SparkFailed(target.toString(), "the folder cannot be renamed to this")


@contextmanager
def filled(spark: SparkSession, address: str, *, force: bool) -> Iterator[Folder]:
    """A folder to fill in a block; it appears when the block has ended well.

    Args:
        spark: the session.
        address: of the folder, as Spark takes it.
        force: replace what is there.
    Raises:
        OutputExists: something is there.
        UnfinishedSparkRun: an interrupted run has left something.
        SparkFailed: the folder cannot be moved.
    """
    folder = Folder(spark, address)
    folder.begin(force=force)
    try:
        yield folder
        folder.finish()
    finally:
        folder.discard()
