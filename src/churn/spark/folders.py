"""Scores as folders of Parquet files: written beside their places, and put there when whole.

Through Hadoop's file systems, so it is one way for a disk, HDFS and stores of objects. A store has
no folders, and renames them file by file; `_SUCCESS` is written last, and says everywhere that a
folder is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from churn.errors import NotAllowed, OutputExists, SparkFailed, UnfinishedSparkRun
from churn.spark.customers import Customers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WHOLE, BEFORE = "_SUCCESS", ".before"
OPTIONS = {"compression": "zstd", "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}


class Folders:
    """One folder for the scores and, if there are any, one for the rows that were set aside.

    Args:
        spark: the session.
        address: for the scores; the others go beside it, `scores.quarantine.parquet`.
        run: name of the run.
    """

    def __init__(self, spark: SparkSession, address: str, run: str) -> None:
        self._java: Any = spark.sparkContext._jvm.org.apache.hadoop.fs
        given = self._java.Path(address)
        hadoop = spark.sparkContext._jsc.hadoopConfiguration()
        self._files = given.getFileSystem(hadoop)
        scores = self._files.makeQualified(given)
        stem, _, end = scores.getName().rpartition(".")
        self._parent = scores.getParent()
        self._finals = {"scores": scores, "aside": self._beside(f"{stem}.quarantine.{end}")}
        self._unfinished = f".{scores.getName()}.unfinished-"
        self._folder = self._beside(f"{self._unfinished}{run}")
        stem, _, end = address.rpartition(".")
        self.addresses = address, f"{stem}.quarantine.{end}"

    def _beside(self, name: str) -> Any:
        return self._java.Path(self._parent, name)

    def check(self, customers: Customers, *, force: bool) -> None:
        """Check that the places can be written to, and that nothing is there.

        Args:
            customers: that are read.
            force: something may be; what an interrupted run has left is removed.
        Raises:
            OutputExists: something is there.
            UnfinishedSparkRun: an interrupted run has left something.
            NotAllowed: the output would replace the input.
        """
        for path, address in zip(self._finals.values(), self.addresses, strict=True):
            own = path.toString()
            if any(f"{one}/".startswith(f"{own}/") for one in customers.files):
                raise NotAllowed("OUTPUT", address, "another place than that of INPUT")
            if not force and self._files.exists(path):
                raise OutputExists(address)
        left = self._files.exists(self._parent) and [
            one.getPath()
            for one in self._files.listStatus(self._parent)
            if one.getPath().getName().startswith(self._unfinished)
        ]
        for path in left or ():
            if not force:
                raise UnfinishedSparkRun(self.addresses[0], path.toString())
            self._remove(path)

    def write(self, frames: Mapping[str, DataFrame]) -> None:
        """Write `scores` and, if it is there, `aside`; nobody sees them yet."""
        for name, frame in frames.items():
            frame.write.options(**OPTIONS).parquet(self._made(name).toString())

    def put(self, *, force: bool) -> None:
        """Put the folders into their places: what was there is moved out of the way first.

        Args:
            force: whatever is there.
        Raises:
            OutputExists: something is there by now.
            SparkFailed: a folder cannot be renamed.
        """
        # The scores last: where they are, everything is.
        for name in ("aside", "scores"):
            final, made = self._finals[name], self._made(name)
            if self._files.exists(final):
                if not force:
                    raise OutputExists(final.toString())
                self._rename(final, self._made(f"{name}{BEFORE}"))
            if self._files.exists(made):
                self._rename(made, final)
                self._files.create(self._java.Path(final, WHOLE)).close()
        for name in self._finals:
            self._files.delete(self._made(f"{name}{BEFORE}"), True)

    def discard(self) -> None:
        """Remove what is unfinished.

        Raises:
            SparkFailed: what was there before cannot be put back; it stays where it is.
        """
        self._remove(self._folder)

    def _remove(self, folder: Any) -> None:
        """Remove what a run has left; what it has moved out of the way comes back first."""
        for name, final in self._finals.items():
            before = self._java.Path(folder, f"{name}{BEFORE}")
            if self._files.exists(before):
                self._files.delete(final, True)
                self._rename(before, final)
        self._files.delete(folder, True)

    def _made(self, name: str) -> Any:
        return self._java.Path(self._folder, name)

    def _rename(self, path: Any, to: Any) -> None:
        if not self._files.rename(path, to):
            raise SparkFailed(to.toString(), "the folder cannot be renamed to this")
