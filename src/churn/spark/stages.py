"""The stages `validate`, `clean` and `featurize` on Spark: the same functions, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from churn.cleaning import typed
from churn.contract import REASONS, ROW_IN_SNAPSHOT, Contract
from churn.featurizing import with_features
from churn.lean import keep_out
from churn.settings import SplitSettings
from churn.splitting import is_test

if TYPE_CHECKING:
    from types import ModuleType

    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from churn.judging import Judged, Summary

Batches = Iterator[pa.RecordBatch]
SIDE, TRAIN, TEST = "side", "train", "test"


@cache
def judging() -> ModuleType:
    """`churn.judging`, whose pandera would import Spark's own pandas: seconds, for nothing."""
    keep_out("pyspark.pandas")
    return import_module("churn.judging")


def mapped(frame: DataFrame, each: Callable[[pa.Table], pa.Table], schema: Any) -> DataFrame:
    """Rows that a function makes of each batch of rows.

    Args:
        frame: the rows.
        each: table → table, plain or with words as levels.
        schema: of what it gives.
    """

    def map_batches(batches: Batches) -> Batches:
        for batch in batches:
            yield from plain(each(pa.Table.from_batches([batch]))).to_batches()

    return frame.mapInArrow(map_batches, schema)


def plain(table: pa.Table) -> pa.Table:
    """A table without the levels of its words, which Spark does not know."""
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def summary(rows: DataFrame, contract: Contract) -> Summary:
    """Judge all rows of a snapshot, and sum up.

    Args:
        rows: of `churn.spark.snapshot`.
        contract: what they must keep.
    """

    def summed(batches: Batches) -> Batches:
        tables = (pa.Table.from_batches([batch]) for batch in batches)
        found = _sum(_judged(one, contract)[2].summary for one in tables)
        yield pa.RecordBatch.from_pydict({"summary": [found.model_dump_json()]})

    found = rows.mapInArrow(summed, "summary string").collect()
    return _sum(judging().Summary.model_validate_json(one.summary) for one in found)


def _sum(summaries: Iterable[Summary]) -> Summary:
    return sum(summaries, judging().Summary())


def set_aside(rows: DataFrame, contract: Contract) -> DataFrame:
    """The rows that break their contract, with number (from 1) and reasons, in their order."""
    from pyspark.sql.types import StringType, StructType

    def bad(table: pa.Table) -> pa.Table:
        raw, numbers, judged = _judged(table, contract)
        return judging().quarantine(raw, judged, contract, numbers)

    schema = StructType([*rows.schema.fields]).add(REASONS, StringType())
    return mapped(rows, bad, schema).orderBy(ROW_IN_SNAPSHOT)


def typed_rows(rows: DataFrame, contract: Contract) -> DataFrame:
    """Valid rows, typed as `churn.cleaning.typed` does, beside their numbers.

    Args:
        rows: of `churn.spark.snapshot`.
        contract: of the table.
    """

    def good(table: pa.Table) -> pa.Table:
        raw, numbers, judged = _judged(table, contract)
        kept = pa.array(~judged.bad)
        clean = typed(raw.filter(kept), contract)
        return clean.append_column(ROW_IN_SNAPSHOT, pa.array(numbers).filter(kept))

    names = (contract.id_column, contract.target.column, *contract.columns)
    nobody = typed(pa.table({name: pa.array([], pa.string()) for name in names}), contract)
    return mapped(rows, good, _schema(nobody).add(ROW_IN_SNAPSHOT, "long"))


def last_of_each(typed: DataFrame, contract: Contract) -> DataFrame:
    """Of rows with one id the last stays.

    Args:
        typed: of `typed_rows`.
        contract: of the table.
    Returns:
        the columns of `churn.cleaning.clean`, in no order.
    """
    from pyspark.sql import functions as sql

    names = [name for name in typed.columns if name != ROW_IN_SNAPSHOT]
    # Numbers differ, so the rest of a row is never compared.
    last = sql.max(sql.struct(ROW_IN_SNAPSHOT, *names)).alias("last")
    grouped = typed.groupBy(contract.id_column).agg(last)
    return grouped.select(*(sql.col("last")[name].alias(name) for name in names))


def featured(typed: DataFrame, contract: Contract, split: SplitSettings) -> DataFrame:
    """Customers with their features, and the side of the split that each is on.

    Args:
        typed: of `typed_rows`, read from files, since the first is looked at beforehand.
        contract: of the table.
        split: the `split` group.
    Returns:
        the columns of `churn.featurizing.with_features`, and `side`; sorted by side and id.
    Raises:
        WrongFeature: a feature cannot be computed for a row.
    """
    # What type a derived feature has shows when it is computed.
    some = with_features(typed.limit(1).toArrow().drop_columns([ROW_IN_SNAPSHOT]), contract)

    def computed(table: pa.Table) -> pa.Table:
        held_out = is_test(table.column(contract.id_column).to_pylist(), split)
        sides = pa.array(np.where(held_out, TEST, TRAIN), pa.string())
        return with_features(table, contract).append_column(SIDE, sides)

    clean = last_of_each(typed, contract)
    found = mapped(clean, computed, _schema(some).add(SIDE, "string"))
    return found.orderBy(SIDE, contract.id_column)


def _judged(table: pa.Table, contract: Contract) -> tuple[pa.Table, Any, Judged]:
    """Rows of a snapshot without their numbers, the numbers, and what they break."""
    numbers = table.column(ROW_IN_SNAPSHOT).to_numpy()
    raw = table.drop_columns([ROW_IN_SNAPSHOT])
    return raw, numbers, judging().judge(raw, contract, numbers, labelled=True)


def _schema(table: pa.Table) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(plain(table).schema)
