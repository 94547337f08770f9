"""`columns`: the form in which rows travel through scoring.

A dict of arrays of one length. Numbers, integers and yes/no are float64 with NaN for missing (yes
is 1); categories are object arrays of str with None for missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.contract import CategoryColumn, Contract
from churn.errors import InvalidColumns

Array = NDArray[Any]
Columns = Mapping[str, Array]


def row_count(columns: Columns) -> int:
    """Number of rows.

    Raises:
        InvalidColumns: no columns, columns of different lengths, or one that is not flat.
    """
    for name, values in columns.items():
        if values.ndim != 1:
            raise InvalidColumns(f"column {name!r} must be a flat array of values", [*columns])
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise InvalidColumns(f"columns must be of one length, got {sorted(lengths)}", [*columns])
    return lengths.pop()


def take(columns: Columns, rows: NDArray[Any]) -> Columns:
    """The given rows (indices or a mask of shape (n,)) of every column."""
    return {name: values[rows] for name, values in columns.items()}


def most_frequent(values: Array, most: int) -> list[str]:
    """Up to `most` levels of a category (n,), the most frequent first, equals by name."""
    counts = Counter(value for value in values.tolist() if value is not None)
    return sorted(counts, key=lambda level: (-counts[level], level))[:most]


def contract_columns(columns: Columns, contract: Contract) -> Columns:
    """Bring columns into the contract's order and form; optional ones that are absent are missing.

    Raises:
        InvalidColumns: an unknown column, an absent required one, a wrong type of array, or
            columns of different lengths.
    """
    known = [*contract.columns]
    for name in columns:
        if name not in contract.columns:
            raise InvalidColumns(f"unknown column {name!r}", known)
    rows = row_count(columns)
    complete: dict[str, Array] = {}
    for name, column in contract.columns.items():
        is_category = isinstance(column, CategoryColumn)
        if name in columns:
            complete[name] = _in_form(name, columns[name], is_category, known)
        elif column.required:
            raise InvalidColumns(f"required column {name!r} is absent", known)
        else:
            complete[name] = _all_missing(rows, is_category)
    return complete


def _all_missing(rows: int, is_category: bool) -> Array:
    return np.full(rows, None, dtype=object) if is_category else np.full(rows, np.nan)


def _in_form(name: str, values: Array, is_category: bool, known: list[str]) -> Array:
    fits = values.dtype == object if is_category else values.dtype.kind in "fiub"
    if not fits:
        wanted = "text or None (dtype object)" if is_category else "numbers"
        raise InvalidColumns(f"column {name!r} must be a flat array of {wanted}", known)
    return values.astype(object if is_category else np.float64, copy=False)
