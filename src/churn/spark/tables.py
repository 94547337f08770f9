"""Scores as tables of Spark's catalog: written under another name, and renamed when whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from churn.batch.table_output import OLD, QUARANTINE, UNFINISHED
from churn.errors import NotAllowed, OutputExists, UnfinishedSparkRun
from churn.spark.customers import Customers, quoted
from churn.spark.job import TABLE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Tables:
    """One table for the scores and, if there are any, one for the rows that were set aside.

    Args:
        spark: the session.
        name: for the scores; the others go into `name_quarantine`.
        run: name of the run.
    """

    def __init__(self, spark: SparkSession, name: str, run: str) -> None:
        self._spark = spark
        *self._schema, bare = name.split(".")
        self._bare = {"scores": bare, "aside": f"{bare}{QUARANTINE}"}
        self._run = run
        self.addresses = f"{TABLE}{name}", f"{TABLE}{name}{QUARANTINE}"

    def check(self, customers: Customers, *, force: bool) -> None:
        """Check that there are no tables of these names.

        Args:
            customers: that are read.
            force: there may be; what an interrupted run has left is removed.
        Raises:
            OutputExists: there is one.
            UnfinishedSparkRun: an interrupted run has left one.
            NotAllowed: the output would replace the input.
        """
        for bare, address in zip(self._bare.values(), self.addresses, strict=True):
            if customers.place.shown == address:
                raise NotAllowed("OUTPUT", address, "another table than that of INPUT")
            if not force and self._is_there(bare):
                raise OutputExists(address)
        left = self._left()
        if left and not force:
            raise UnfinishedSparkRun(self.addresses[0], f"{TABLE}{'.'.join(self._full(left[0]))}")
        for name in left:
            self._put_back(name)
            self._drop(name)

    def write(self, frames: Mapping[str, DataFrame]) -> None:
        """Write `scores` and, if it is there, `aside`; nobody sees them yet."""
        for name, frame in frames.items():
            frame.write.saveAsTable(quoted(self._full(self._made(name))))

    def put(self, *, force: bool) -> None:
        """Put the tables into their places.

        Args:
            force: whatever is there.
        Raises:
            OutputExists: another table is there by now.
        """
        # The scores last: where they are, everything is.
        for name in ("aside", "scores"):
            bare, made = self._bare[name], self._made(name)
            if self._is_there(bare):
                if not force:
                    raise OutputExists(f"{TABLE}{'.'.join(self._full(bare))}")
                self._rename(bare, self._old(name))
            if self._is_there(made):
                self._rename(made, bare)
        for name in self._bare:
            self._drop(self._old(name))

    def discard(self) -> None:
        """Remove what is unfinished; what was moved out of the way comes back first."""
        for name in self._bare:
            self._put_back(self._old(name))
            self._drop(self._made(name))

    def _put_back(self, name: str) -> None:
        """Give a table that a run has moved out of the way its own name again."""
        bare, is_old, _ = name.partition(f"{OLD}_")
        if is_old and self._is_there(name):
            self._drop(bare)
            self._rename(name, bare)

    def _made(self, name: str) -> str:
        return f"{self._bare[name]}{UNFINISHED}_{self._run}"

    def _old(self, name: str) -> str:
        return f"{self._bare[name]}{OLD}_{self._run}"

    def _rename(self, bare: str, to: str) -> None:
        # A catalog's name stands before the old name alone.
        new = quoted([*self._schema[-1:], to])
        self._spark.sql(f"ALTER TABLE {quoted(self._full(bare))} RENAME TO {new}")

    def _full(self, bare: str) -> list[str]:
        return [*self._schema, bare]

    def _is_there(self, bare: str) -> bool:
        return self._spark.catalog.tableExists(quoted(self._full(bare)))

    def _drop(self, bare: str) -> None:
        self._spark.sql(f"DROP TABLE IF EXISTS {quoted(self._full(bare))}")

    def _left(self) -> list[str]:
        where = f" IN {quoted(self._schema)}" if self._schema else ""
        names = [row.tableName for row in self._spark.sql(f"SHOW TABLES{where}").collect()]
        begins = tuple(f"{b}{end}_" for b in self._bare.values() for end in (UNFINISHED, OLD))
        return [name for name in names if name.startswith(begins)]
