"""Outputs that are folders, through Hadoop's file systems: a disk, HDFS, a store of objects.

A store has no folders, and renames them file by file; `_SUCCESS` is written when an output has its
place, and says everywhere that it is whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn.errors import NotAllowed, SparkFailed
from churn.spark.replacing import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WHOLE, PARQUET = "_SUCCESS", ".parquet"
OPTIONS = {"compression": "zstd", "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}


class Folders:
    """A folder, and what lies beside it. Names are relative, and may be of what is inside.

    Args:
        spark: the session.
        address: of the folder, as Spark takes it.
    Attributes:
        name: of the folder.

    Raises:
        NotAllowed: nothing can lie beside it.
    """

    def __init__(self, spark: SparkSession, address: str) -> None:
        self._path_of: Any = spark.sparkContext._jvm.org.apache.hadoop.fs.Path
        given = self._path_of(address)
        self._files = given.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
        # Of this machine's files it would write hidden sums beside each.
        self._files.setWriteChecksum(False)
        path = self._files.makeQualified(given)
        self._parent = path.getParent()
        if self._parent is None:
            raise NotAllowed("OUTPUT", address, "a folder inside of one")
        self.name = str(path.getName())
        self._beside = address.removesuffix(self.name)

    @property
    def aside(self) -> str:
        """The name for rows that are set aside: `scores.quarantine.parquet`."""
        stem, _, end = self.name.rpartition(".")
        return f"{stem}.quarantine.{end}"

    def address(self, name: str) -> str:
        """What Spark reads and writes."""
        return str(self._path(name).toString())

    def write(self, frame: DataFrame, name: str) -> None:
        """Write rows as files of Parquet."""
        frame.write.options(**OPTIONS).parquet(self.address(name))

    def copy(self, path: Path, name: str) -> None:
        """Copy a file or folder of this machine."""
        self._files.copyFromLocalFile(self._path_of(path.absolute().as_uri()), self._path(name))

    def hidden(self, name: str, kind: str, run: str) -> str:
        """`.scores.parquet.unfinished-…`."""
        return f".{name}.{kind}-{run}"

    def names(self) -> list[str]:
        """All that lies beside the folder."""
        if not self._files.exists(self._parent):
            return []
        return [one.getPath().getName() for one in self._files.listStatus(self._parent)]

    def exists(self, name: str) -> bool:
        """Whether something has this name."""
        return bool(self._files.exists(self._path(name)))

    def is_output(self, name: str) -> bool:
        """Whether it is a folder with `_SUCCESS`, or one file of Parquet, as the local engine's."""
        is_file = self._files.getFileStatus(self._path(name)).isFile()
        return name.endswith(PARQUET) if is_file else self.exists(f"{name}/{WHOLE}")

    def holds(self, name: str, source: Source) -> bool:
        """Whether a file that is read lies inside."""
        return any(f"{one}/".startswith(f"{self.address(name)}/") for one in source.files)

    def note(self, name: str) -> None:
        """Make an empty folder."""
        self._files.mkdirs(self._path(name))

    def rename(self, name: str, to: str) -> None:
        """Give a folder another name; a store may have been interrupted between two of its files.

        Raises:
            SparkFailed: it cannot be had.
        """
        self._move(self._path(name), self._path(to))

    def _move(self, source: Any, target: Any) -> None:
        if self._files.exists(target) and self._files.getFileStatus(source).isDirectory():
            for one in self._files.listStatus(source):
                inside = one.getPath()
                self._move(inside, self._path_of(target, inside.getName()))
            self._files.delete(source, True)
            return
        self._files.mkdirs(target.getParent())
        self._files.delete(target, True)
        if not self._files.rename(source, target):
            raise SparkFailed(str(target.toString()), "what is beside it cannot be renamed to this")

    def place(self, made: str, name: str) -> None:
        """Give a folder its final name, and then `_SUCCESS`.

        Raises:
            SparkFailed: the name cannot be had.
        """
        self.rename(made, name)
        self._files.create(self._path(f"{name}/{WHOLE}")).close()

    def remove(self, name: str) -> None:
        """Remove what has this name, if something has."""
        self._files.delete(self._path(name), True)

    def shown(self, name: str) -> str:
        """The address as it was given."""
        return f"{self._beside}{name}"

    def _path(self, name: str) -> Any:
        return self._path_of(self._parent, name)
