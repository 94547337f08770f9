"""Customers as Spark has them: their columns looked at as the local engine does, and renamed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from churn.contract import Contract
from churn.errors import ColumnsMissing, UnusableColumn
from churn.reading.tabular import is_usable
from churn.reading.wanted import Wanted, for_scoring
from churn.spark.csv_lines import header, lines
from churn.spark.files import of_each, plain
from churn.spark.job import FILE, ROW_IN_FILE, SparkPlace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Customers:
    """An input of Spark.

    Args:
        spark: the session.
        place: of the input.
        contract: of the model.
    Attributes:
        place: of the input.
        frame: of a CSV file its lines, of anything else the contract's columns, and where the
            files are Parquet `FILE` and `ROW_IN_FILE`.
        headers: by CSV file; none of anything else.
        files: that are read; none of a table that is no files.

    Raises:
        ColumnsMissing, DoubledColumn, UnusableColumn, EmptyInput, UnreadableFile.
    """

    def __init__(self, spark: SparkSession, place: SparkPlace, contract: Contract) -> None:
        self.place = place
        wanted = for_scoring(contract)
        self.headers: dict[str, list[str]] = {}
        if place.kind == "csv":
            self.frame = lines(spark, place.address)
        elif place.kind == "table":
            self.frame = spark.table(place.address)
        else:
            self.frame = spark.read.parquet(place.address)
        self.files = sorted(map(plain, self.frame.inputFiles()))
        if place.kind == "csv":
            self.headers = of_each(self.files, partial(header, spark))
            for file, names in self.headers.items():
                wanted.chosen(file, names)
        else:
            own = self._choose(place, wanted)
            if place.kind == "parquet":
                refuse_gaps(spark, self.files, own, contract)

    @property
    def places(self) -> list[str]:
        """Columns beside the contract's that say where a row stands."""
        return [one for one in self.frame.columns if one in (FILE, ROW_IN_FILE)]

    def _choose(self, place: SparkPlace, wanted: Wanted) -> list[str]:
        """Leave only what is read; its own names."""
        from pyspark.sql import functions as sql
        from pyspark.sql.pandas.types import to_arrow_schema

        chosen = wanted.chosen(place.shown, self.frame.columns)
        columns = [sql.col(quoted_name(own)).alias(name) for own, name in chosen.items()]
        if place.kind == "parquet":
            row = sql.col("_metadata.row_index") + 1
            columns += [sql.col("_metadata.file_path").alias(FILE), row.alias(ROW_IN_FILE)]
        read = self.frame.select(*map(quoted_name, chosen))
        refuse_unusable(place.shown, to_arrow_schema(read.schema))
        self.frame = self.frame.select(*columns)
        return [*chosen]


def refuse_unusable(where: str, schema: pa.Schema) -> None:
    """Check that columns hold what can be read.

    Raises:
        UnusableColumn: one holds lists, bytes or the like.
    """
    for field in schema:
        if not is_usable(field.type):
            raise UnusableColumn(where, field.name, str(field.type))


def refuse_gaps(
    spark: SparkSession, files: Sequence[str], wanted: Sequence[str], contract: Contract
) -> None:
    """Of several files Spark takes the columns of one, and nulls where another lacks some.

    Args:
        spark: the session.
        files: of Parquet.
        wanted: names of columns that are read.
        contract: of the table, for the error.
    Raises:
        ColumnsMissing: a file lacks a column that another has.
    """
    if len(files) < 2:
        return
    names = of_each(files, lambda file: spark.read.parquet(file).columns)
    # What no file has comes from the names of the folders.
    inside = {name for some in names.values() for name in some} & {*wanted}
    for file, some in names.items():
        if missing := sorted(inside.difference(some)):
            raise ColumnsMissing(file, contract.name, missing, some)


def quoted_name(name: str) -> str:
    """A column's name as SQL has it."""
    return f"`{name.replace('`', '``')}`"


def quoted(parts: Sequence[str]) -> str:
    """A table's name as SQL has it."""
    return ".".join(map(quoted_name, parts))
