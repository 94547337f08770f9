"""Arrow tables on disk, `columns` in the code: the way between the two."""

from __future__ import annotations

import csv as csv_library
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from churn.columns import Array, Columns, Words
from churn.contract import BooleanColumn, CategoryColumn, Column, Contract, IntegerColumn

TYPES: dict[type, pa.DataType] = {
    IntegerColumn: pa.int64(),
    BooleanColumn: pa.bool_(),
    CategoryColumn: pa.dictionary(pa.int32(), pa.string()),
}


def arrow_type(column: Column) -> pa.DataType:
    """The type under which a clean column is stored."""
    return TYPES.get(type(column), pa.float64())


def to_arrow(values: Array, stored: pa.DataType | None = None) -> pa.Array:
    """One of `columns` (NaN or None for missing) as an Arrow array (null for missing)."""
    if values.dtype == object:
        return _dictionary(pa.array(values, pa.string(), from_pandas=True))
    array = pa.array(values, pa.float64(), from_pandas=True)
    return array if stored is None else array.cast(stored)


def _dictionary(words: pa.Array) -> pa.DictionaryArray:
    """Words as numbers of sorted levels, so that the order of rows leaves no trace."""
    levels = pc.drop_null(pc.unique(words)).sort()
    return pa.DictionaryArray.from_arrays(pc.index_in(words, levels), levels)


def to_columns(table: pa.Table, names: Iterable[str]) -> Columns:
    """Named columns of a stored table as `columns`."""
    return {name: to_values(table.column(name).combine_chunks()) for name in names}


def read_columns(path: Path, names: Iterable[str]) -> Columns:
    """Named columns of a table in a Parquet file as `columns`.

    They are read one after the other: no two are ever in memory in both forms.
    """
    with pq.ParquetFile(path) as file:
        return {n: to_values(file.read([n]).column(n).combine_chunks()) for n in names}


def to_values(array: pa.Array) -> Array:
    """A stored array as one of `columns`: float64 with NaN, or objects with None."""
    if pa.types.is_dictionary(array.type):
        levels = np.array([*array.dictionary.to_pylist(), None], dtype=object)
        return Words.of(levels, array.indices.fill_null(len(levels) - 1).to_numpy())
    if pa.types.is_string(array.type):
        return array.to_numpy(zero_copy_only=False)
    return array.cast(pa.float64()).to_numpy(zero_copy_only=False)


def labels(table: pa.Table, contract: Contract) -> Array:
    """Outcomes of a stored table: 1 for churners, 0 for others, NaN where unknown; shape (n,).

    All NaN where the table has no target column.
    """
    if contract.target.column not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return to_values(table.column(contract.target.column).combine_chunks())


def csv(columns: Mapping[str, Array]) -> str:
    """Columns, each (n,), as CSV with a header line; floats in full precision."""
    text = io.StringIO()
    writer = csv_library.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue()
