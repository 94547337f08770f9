"""A snapshot of labelled customers on Spark: their columns under the contract, their rows numbered.

What comes last matters, since of rows with one id the last stays. Spark promises no order, so the
snapshot is written in one: that of the files' names and of the rows in each, or of a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa

from churn.contract import ROW_IN_SNAPSHOT, Contract
from churn.errors import EmptyInput, NoOrder, NotAllowed, OtherColumns
from churn.reading.wanted import for_training
from churn.spark.csv_lines import BLOCK, LinesReader, header, lines
from churn.spark.customers import Types, files_of, of_its_files, quoted_name, refuse_unusable, typed
from churn.spark.files import of_each
from churn.spark.job import FILE, SparkPlace
from churn.under_contract import WIDTH
from churn.wording import listed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# No column of a contract can have such a name.
KEY = "#{}"


@dataclass(frozen=True)
class Labelled:
    """Customers where they are.

    Attributes:
        place: that they are in.
        frame: all that is there.
        columns: the contract's, of the frame.
        keys: by which rows stand in an order, as far as they do.
        files: that are read.
    """

    place: SparkPlace
    frame: DataFrame
    columns: Sequence[Column]
    keys: Sequence[Column]
    files: Sequence[str]


def labelled(spark: SparkSession, place: SparkPlace, contract: Contract) -> Labelled:
    """Look at customers, and choose the contract's columns.

    Args:
        spark: the session.
        place: where they are.
        contract: whose names the columns get; others are left out.
    Raises:
        MissingColumn, DoubledColumn, UnusableColumn, ColumnsMissing, OtherColumns, EmptyInput,
        UnreadableFile.
    """
    place = of_its_files(spark, place)
    if place.kind == "csv":
        return _csv(spark, place, contract)
    from pyspark.sql import functions as sql
    from pyspark.sql.pandas.types import to_arrow_schema

    is_table = place.kind == "table"
    frame = spark.table(place.address) if is_table else spark.read.parquet(place.address)
    wanted = _wanted(to_arrow_schema(frame.schema), contract, place.shown)
    columns = [_stored(frame, own).alias(name) for own, name in wanted.items()]
    files = files_of(frame)
    if is_table:
        return Labelled(place, frame, columns, columns, files)
    _refuse_other_types(typed(spark, files, [*wanted], contract))
    keys = [sql.col("_metadata.file_path"), sql.col("_metadata.row_index")]
    return Labelled(place, frame, columns, keys, files)


def snapshot(customers: Labelled, order: str | None, contract: Contract, folder: str) -> DataFrame:
    """Write a snapshot and read it.

    Args:
        customers: of `labelled`.
        order: column by which rows are ordered; None for the order of files. Rows of a table that
            are equal there are ordered by all that they hold.
        contract: of the table.
        folder: to write to.
    Returns:
        the contract's source columns as they came, and `row_in_snapshot`, from 0.
    Raises:
        NoOrder: a table without a column to order it by.
        NotAllowed: that column is not there.
        EmptyInput: there are no customers.
    """
    frame, keys = customers.frame, customers.keys
    if order is not None:
        keys = [_ordering(frame, order), *keys]
    elif customers.place.kind == "table":
        raise NoOrder(customers.place.shown)
    names = [KEY.format(number) for number in range(len(keys))]
    named = [key.alias(name) for key, name in zip(keys, names, strict=True)]
    ordered = frame.select(*customers.columns, *named).orderBy(*names).drop(*names)
    ordered.write.parquet(folder)
    return _numbered(frame.sparkSession.read.parquet(folder), customers.place, contract)


def _refuse_other_types(looks: Mapping[str, Types]) -> None:
    """Check that files can be put into one order, as `load` does.

    Raises:
        OtherColumns: a column has another type in another file.
    """
    first = next(iter(looks), "")
    for file, types in looks.items():
        if different := [
            f"{name} is {kind}, there {looks[first][name]}"
            for name, kind in types.items()
            if kind != looks[first][name]
        ]:
            raise OtherColumns(file, first, sorted(different))


def _csv(spark: SparkSession, place: SparkPlace, contract: Contract) -> Labelled:
    """Rows of CSV, parsed as on one machine: all text."""
    from pyspark.sql import functions as sql

    given = lines(spark, place.address)
    headers = of_each(files_of(given), partial(header, spark))
    wanted = {
        file: _wanted(pa.schema([(name, pa.string()) for name in names]), contract, file)
        for file, names in headers.items()
    }
    # Those of the first file: each has all of the contract's.
    names = [*next(iter(wanted.values())).values()]

    def parsed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        reader = LinesReader(headers, wanted)
        for batch in batches:
            for table, (file, begin) in reader.tables(batch):
                places = {FILE: pa.repeat(file, len(table)), BLOCK: pa.repeat(begin, len(table))}
                rows = pa.table({**places, **{name: table[name] for name in names}})
                yield from rows.to_batches()

    texts = ", ".join(f"{quoted_name(name)} string" for name in names)
    frame = given.mapInArrow(parsed, f"{FILE} string, {BLOCK} long, {texts}")
    # A task hands out the rows of a block from the first to the last.
    keys = [sql.col(FILE), sql.col(BLOCK), sql.monotonically_increasing_id()]
    columns = [sql.col(name) for name in names]
    return Labelled(place, frame, columns, keys, [*headers])


def _wanted(schema: pa.Schema, contract: Contract, where: str) -> Mapping[str, str]:
    """The columns that the contract names: their own names, and the contract's."""
    chosen = for_training(contract, labelled=True).chosen(where, schema.names)
    refuse_unusable(where, pa.schema([schema.field(own) for own in chosen]))
    return chosen


def _stored(frame: DataFrame, name: str) -> Column:
    """A column as Parquet can hold it: it has no type for one of nothing."""
    column = frame[quoted_name(name)]
    return column.cast("string") if dict(frame.dtypes)[name] == "void" else column


def _ordering(given: DataFrame, order: str) -> Column:
    known = [name for name in given.columns if name not in (FILE, BLOCK)]
    if order not in known:
        raise NotAllowed("ORDER", order, f"a column of INPUT: {listed(known, 30)}")
    return given[quoted_name(order)]


def _numbered(written: DataFrame, place: SparkPlace, contract: Contract) -> DataFrame:
    """The rows of ordered files, numbered through all of them."""
    from pyspark.sql import functions as sql

    placed = written.select("*", "_metadata.file_name", "_metadata.row_index")
    counts = sorted(placed.groupBy("file_name").count().collect())
    if not counts:
        raise EmptyInput(place.shown)
    before = [0, *accumulate(one["count"] for one in counts)]
    starts = [(one["file_name"], start) for one, start in zip(counts, before[:-1], strict=True)]
    begins = written.sparkSession.createDataFrame(starts, "file_name string, begin long")
    number = sql.col("begin") + sql.col("row_index")
    numbered = placed.join(sql.broadcast(begins), "file_name").select(
        *written.columns, number.alias(ROW_IN_SNAPSHOT)
    )
    if contract.id is not None:
        return numbered
    # As `under_contract.row_number` writes it.
    digits = (sql.col(ROW_IN_SNAPSHOT) + 1).cast("string")
    more = sql.length(digits) - WIDTH
    letter = sql.char(sql.lit(ord("A") - 1) + more)
    text = sql.when(more > 0, sql.concat(letter, digits)).otherwise(sql.lpad(digits, WIDTH, "0"))
    return numbered.select(text.alias(contract.id_column), "*")
