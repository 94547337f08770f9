"""Customers as Spark has them: their columns looked at as the local engine does, and renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from churn.contract import Contract
from churn.errors import ColumnsMissing, UnusableColumn
from churn.reading.tabular import is_usable
from churn.reading.wanted import for_scoring
from churn.spark.csv_lines import header, lines
from churn.spark.files import names_in, of_each, plain
from churn.spark.job import FILE, ROW_IN_FILE, SparkPlace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# By name of a column, in Spark's words.
Types = Mapping[str, str]
CSV = (".csv", ".csv.gz")


class Customers:
    """An input of Spark.

    Args:
        spark: the session.
        place: of the input.
        contract: of the model.
    Attributes:
        place: of the input.
        frames: of CSV files their lines, of anything else the contract's columns, and where the
            files are Parquet `FILE` and `ROW_IN_FILE`: one for each set of types, of which Spark
            reads no two at once.
        headers: by CSV file; none of anything else.
        files: that are read; none of a table that is no files.

    Raises:
        ColumnsMissing, DoubledColumn, UnusableColumn, EmptyInput, UnreadableFile.
    """

    def __init__(self, spark: SparkSession, place: SparkPlace, contract: Contract) -> None:
        self.place = of_its_files(spark, place)
        self.headers: Mapping[str, list[str]] = {}
        wanted = for_scoring(contract)
        if self.place.kind == "csv":
            found = lines(spark, place.address)
            self.files = files_of(found)
            self.headers = of_each(self.files, partial(header, spark))
            for file, names in self.headers.items():
                wanted.chosen(file, names)
            self.frames = [found]
            return
        is_table = self.place.kind == "table"
        found = spark.table(place.address) if is_table else spark.read.parquet(place.address)
        self.files = files_of(found)
        chosen = wanted.chosen(place.shown, found.columns)
        looks = {} if is_table else typed(spark, self.files, [*chosen], contract)
        self.frames = [_read(one, chosen, place) for one in _alike(spark, place, found, looks)]

    @property
    def places(self) -> list[str]:
        """Columns beside the contract's that say where a row stands."""
        return [one for one in self.frames[0].columns if one in (FILE, ROW_IN_FILE)]


def of_its_files(spark: SparkSession, place: SparkPlace) -> SparkPlace:
    """A place whose folder is of CSV if its files are."""
    # What else is there, Spark leaves out, too.
    there = [] if place.kind == "table" else names_in(spark, place.address)
    names = [name for name in there if not name.startswith((".", "_"))]
    is_csv = bool(names) and all(name.lower().endswith(CSV) for name in names)
    return replace(place, kind="csv") if is_csv else place


def files_of(frame: DataFrame) -> list[str]:
    """The files that are read, in the order of their names."""
    return sorted(map(plain, frame.inputFiles()))


def _alike(
    spark: SparkSession, place: SparkPlace, found: DataFrame, looks: Mapping[str, Types]
) -> list[DataFrame]:
    """The files that have the same types together, in the order of the first of each."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for file, types in looks.items():
        groups.setdefault((*sorted(types.items()),), []).append(file)
    if len(groups) < 2:
        return [found]
    # What the names of folders say stays a column.
    base = {"basePath": place.address} if names_in(spark, place.address) else {}
    return [spark.read.options(**base).parquet(*files) for files in groups.values()]


def _read(frame: DataFrame, chosen: Mapping[str, str], place: SparkPlace) -> DataFrame:
    """Only the columns that are chosen, and where a row stands."""
    from pyspark.sql import functions as sql
    from pyspark.sql.pandas.types import to_arrow_schema

    refuse_unusable(place.shown, to_arrow_schema(frame.select(*map(quoted_name, chosen)).schema))
    columns = [sql.col(quoted_name(own)).alias(name) for own, name in chosen.items()]
    if place.kind == "parquet":
        row = sql.col("_metadata.row_index") + 1
        columns += [sql.col("_metadata.file_path").alias(FILE), row.alias(ROW_IN_FILE)]
    return frame.select(*columns)


def refuse_unusable(where: str, schema: pa.Schema) -> None:
    """Check that columns hold what can be read.

    Raises:
        UnusableColumn: one holds lists, bytes or the like.
    """
    for field in schema:
        if not is_usable(field.type):
            raise UnusableColumn(where, field.name, str(field.type))


def typed(
    spark: SparkSession, files: Sequence[str], wanted: Sequence[str], contract: Contract
) -> dict[str, Types]:
    """Types of the columns that each of several files has; none of one file alone.

    Of several files Spark takes the columns of one, and nulls where another lacks some.

    Args:
        spark: the session.
        files: of Parquet.
        wanted: names of columns that are read.
        contract: of the table, for the error.
    Raises:
        ColumnsMissing: a file lacks a column that another has.
    """
    if len(files) < 2:
        return {}
    every = of_each(files, lambda file: dict(spark.read.parquet(file).dtypes))
    # What no file has comes from the names of the folders.
    inside = {name for some in every.values() for name in some} & {*wanted}
    for file, some in every.items():
        if missing := sorted(inside.difference(some)):
            raise ColumnsMissing(file, contract.name, missing, [*some])
    return {file: {name: some[name] for name in inside} for file, some in every.items()}


def quoted_name(name: str) -> str:
    """A column's name as SQL has it."""
    return f"`{name.replace('`', '``')}`"


def quoted(parts: Sequence[str]) -> str:
    """A table's name as SQL has it."""
    return ".".join(map(quoted_name, parts))
