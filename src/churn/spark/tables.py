"""Outputs that are tables of Spark's catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn.batch.table_output import QUARANTINE
from churn.spark.customers import quoted
from churn.spark.job import TABLE
from churn.spark.replacing import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Tables:
    """A table, and what lies in its schema.

    Args:
        spark: the session.
        address: of the table: `name`, `schema.name` or `catalog.schema.name`.
    Attributes:
        name: of the table, without its schema.
        aside: for rows that are set aside: `name_quarantine`.
    """

    def __init__(self, spark: SparkSession, address: str) -> None:
        self._spark = spark
        *self._schema, self.name = address.split(".")
        self.aside = f"{self.name}{QUARANTINE}"

    def write(self, frame: DataFrame, name: str) -> None:
        """Write rows."""
        frame.write.saveAsTable(self._quoted(name))

    def hidden(self, name: str, kind: str, run: str) -> str:
        """`name__unfinished_…`."""
        # A metastore may know no capitals.
        return f"{name}__{kind}_{run}".lower()

    def names(self) -> list[str]:
        """All tables of the schema."""
        where = f" IN {quoted(self._schema)}" if self._schema else ""
        return [row.tableName for row in self._spark.sql(f"SHOW TABLES{where}").collect()]

    def exists(self, name: str) -> bool:
        """Whether there is a table of this name."""
        return self._spark.catalog.tableExists(self._quoted(name))

    def is_output(self, name: str) -> bool:
        """Whether it is a table, and no view."""
        return self._spark.catalog.getTable(self._quoted(name)).tableType != "VIEW"

    def holds(self, name: str, source: Source) -> bool:
        """Whether this table is what is read, by whatever name."""
        if source.place.kind != "table" or not self.exists(name):
            return False
        mine, its = self._quoted(name), quoted(source.place.address.split("."))
        tables = [self._spark.catalog.getTable(table) for table in (mine, its)]
        one, other = ((table.catalog, table.namespace, table.name) for table in tables)
        return one == other

    def note(self, name: str) -> None:
        """Make an empty table."""
        self._spark.sql(f"CREATE TABLE {self._quoted(name)} (nothing INT)")

    def rename(self, name: str, to: str) -> None:
        """Give a table another name."""
        # A catalog's name stands before the old name alone.
        new = quoted([*self._schema[-1:], to])
        self._spark.sql(f"ALTER TABLE {self._quoted(name)} RENAME TO {new}")

    def place(self, made: str, name: str) -> None:
        """Give a table its final name; a catalog shows whole tables only."""
        self.rename(made, name)

    def remove(self, name: str) -> None:
        """Remove the table of this name, if there is one."""
        self._spark.sql(f"DROP TABLE IF EXISTS {self._quoted(name)}")

    def shown(self, name: str) -> str:
        """The table's address as `OUTPUT` has it."""
        return f"{TABLE}{'.'.join([*self._schema, name])}"

    def _quoted(self, name: str) -> str:
        return quoted([*self._schema, name])
