"""A snapshot of labelled customers on Spark: their columns under the contract, their rows numbered.

What comes last matters, since of rows with one id the last stays. Spark promises no order, so the
snapshot is written in one: that of the files' names and of the rows in each, or of a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from churn.contract import ROW_IN_SNAPSHOT, Contract
from churn.errors import EmptyInput, NoOrder, NotAllowed
from churn.sources import under_contract
from churn.wording import listed

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

CSV, PARQUET = (".csv", ".csv.gz"), (".parquet",)
# Quotation marks are doubled, as everybody but Spark writes them; what is cut off is an error.
CSV_OPTIONS = {
    "header": "true",
    "escape": '"',
    "mode": "FAILFAST",
    "enforceSchema": "false",
    "columnPruning": "false",
}
# No column of a contract can have such a name.
KEY = "#key{}"
# As for files of this machine.
LEAST_WIDTH = 7


@dataclass(frozen=True)
class Where:
    """Where customers are.

    Attributes:
        address: of files, by name, pattern or folder (of Parquet files), or a table of Spark's.
        order: column by which rows are ordered; None for the order of files.
    """

    address: str
    order: str | None

    @property
    def is_table(self) -> bool:
        """Whether it is a table and no file."""
        return "/" not in self.address and not self.address.lower().endswith((*CSV, *PARQUET))


def snapshot(spark: SparkSession, where: Where, contract: Contract, folder: str) -> DataFrame:
    """Write a snapshot and read it.

    Args:
        spark: the session.
        where: the customers are.
        contract: whose names the columns get; others are left out.
        folder: to write to.
    Returns:
        the contract's source columns as they came, and `row_in_snapshot`, from 0.
    Raises:
        NoOrder: a table without a column to order it by.
        NotAllowed: that column is not there.
        EmptyInput: there are no customers.
        MissingColumn, DoubledColumn, UnusableColumn: as for a file of this machine.
    """
    if where.is_table and where.order is None:
        raise NoOrder(where.address)
    given = _read(spark, where)
    columns = _under_contract(given, where, contract)
    keys = _keys(given, where, columns)
    named = [key.alias(KEY.format(i)) for i, key in enumerate(keys)]
    names = [KEY.format(i) for i in range(len(keys))]
    given.select(*columns, *named).orderBy(*names).drop(*names).write.parquet(folder)
    return _numbered(spark.read.parquet(folder), where, contract)


def _read(spark: SparkSession, where: Where) -> DataFrame:
    if where.is_table:
        return spark.table(where.address)
    if where.address.lower().endswith(CSV):
        return spark.read.options(**CSV_OPTIONS).csv(where.address)
    return spark.read.parquet(where.address)


def _under_contract(given: DataFrame, where: Where, contract: Contract) -> list[Column]:
    """The contract's columns under its names."""
    from pyspark.sql.pandas.types import to_arrow_schema

    empty = to_arrow_schema(given.schema).empty_table()
    kept = under_contract(empty, contract, where.address, {}, labelled=True).table.column_names
    trimmed = {name: name.strip() for name in given.columns}
    names = {contract.rename.get(name, name): was for was, name in trimmed.items()}
    return [_stored(given, names[name]).alias(name) for name in kept if name in names]


def _stored(frame: DataFrame, name: str) -> Column:
    """A column as Parquet can hold it: it has no type for one of nothing."""
    column = _column(frame, name)
    return column.cast("string") if dict(frame.dtypes)[name] == "void" else column


def _column(frame: DataFrame, name: str) -> Column:
    escaped = name.replace("`", "``")
    return frame[f"`{escaped}`"]


def _keys(given: DataFrame, where: Where, columns: Sequence[Column]) -> list[Column]:
    """By what rows are ordered."""
    from pyspark.sql import functions as F  # noqa: N812

    by_column = []
    if where.order is not None:
        if where.order not in given.columns:
            raise NotAllowed("ORDER", where.order, f"a column: {listed(given.columns, 30)}")
        by_column = [_column(given, where.order)]
    if where.is_table:
        # Rows of one place in the order are told apart by what they hold.
        return [*by_column, *columns]
    file = F.col("_metadata.file_path")
    if where.address.lower().endswith(CSV):
        # Within a piece of a file Spark reads, and numbers, its rows from the first to the last.
        inside = [F.col("_metadata.file_block_start"), F.monotonically_increasing_id()]
    else:
        inside = [F.col("_metadata.row_index")]
    return [*by_column, file, *inside]


def _numbered(written: DataFrame, where: Where, contract: Contract) -> DataFrame:
    """The rows of ordered files, numbered through all of them."""
    from pyspark.sql import functions as F  # noqa: N812

    placed = written.select("*", "_metadata.file_name", "_metadata.row_index")
    counts = sorted(placed.groupBy("file_name").count().collect())
    if not counts:
        raise EmptyInput(where.address)
    before = [0, *accumulate(one["count"] for one in counts)]
    starts = [(one["file_name"], start) for one, start in zip(counts, before[:-1], strict=True)]
    session = written.sparkSession
    begins = session.createDataFrame(starts, "file_name string, begin long")
    numbered = placed.join(F.broadcast(begins), "file_name").select(
        *written.columns, (F.col("begin") + F.col("row_index")).alias(ROW_IN_SNAPSHOT)
    )
    if contract.id is not None:
        return numbered
    width = max(LEAST_WIDTH, len(str(before[-1])))
    number = F.lpad((F.col(ROW_IN_SNAPSHOT) + 1).cast("string"), width, "0")
    return numbered.select(number.alias(contract.id_column), *numbered.columns)
