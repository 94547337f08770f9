"""`columns`: the form in which rows travel through scoring.

A dict of arrays of one length. Numbers, integers and yes/no are float64 with NaN for missing (yes
is 1); categories are object arrays of str with None for missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.contract import Contract
from churn.errors import InvalidColumns

Array = NDArray[Any]
Columns = Mapping[str, Array]
# Rows whose features a core's cache holds: of more, each step would go through memory.
PIECE = 3000


class Words(np.ndarray[Any, np.dtype[np.object_]]):
    """A category that knows its levels, and which one each row has: an array (n,) like any other.

    It cannot be written to, so what it knows stays true. Comparing it with a word, and looking its
    levels up, take a tenth of the time.

    Attributes:
        levels: words, and None for missing, each once; None for an array that was derived from it.
        codes: of each row, its place among the levels (n,).
    """

    levels: Array | None = None
    codes: Array | None = None
    __hash__ = None  # as of every array

    @classmethod
    def of(cls, levels: Array, codes: Array) -> Words:
        """The category of these levels (k,) by their places (n,)."""
        found = levels[codes].view(cls)
        found.levels, found.codes = levels, codes
        found.flags.writeable = False
        return found

    def __getitem__(self, item: Any) -> Any:
        """Some rows are such a category, too; one row is its word."""
        found = np.asarray(self)[item]
        if self.levels is None or self.codes is None or not isinstance(found, np.ndarray):
            return found
        some = found.view(Words)
        some.levels, some.codes = self.levels, self.codes[item]
        some.flags.writeable = False
        return some

    def __eq__(self, other: object) -> Any:
        """Element by element; a word is compared with each level once."""
        if self.levels is None or not (other is None or isinstance(other, str)):
            return np.asarray(self) == other
        same: Any = self.levels == other
        return same[self.codes]

    def __ne__(self, other: object) -> Any:
        """Element by element."""
        return ~(self == other)


class Taken(Mapping[str, Array]):
    """Some rows of columns, a column taken when it is asked for: no copy of them all is made.

    Attributes:
        columns: that they are taken from, each (n,).
        rows: their indices (m,).
    """

    def __init__(self, columns: Columns, rows: NDArray[np.int64]) -> None:
        self.columns, self.rows = columns, rows

    def __getitem__(self, name: str) -> Array:
        """One column of these rows (m,), a copy."""
        return self.columns[name][self.rows]

    def __iter__(self) -> Iterator[str]:
        """Names of the columns."""
        return iter(self.columns)

    def __len__(self) -> int:
        """Number of columns."""
        return len(self.columns)


def row_count(columns: Columns) -> int:
    """Number of rows.

    Raises:
        InvalidColumns: no columns, columns of different lengths, or one that is not flat.
    """
    if isinstance(columns, Taken):
        return len(columns.rows)
    shapes = {values.shape for values in columns.values()}
    if len(shapes) == 1 and len(shape := shapes.pop()) == 1:
        return shape[0]
    for name, values in columns.items():
        if values.ndim != 1:
            raise InvalidColumns(f"column {name!r} must be a flat array of values", [*columns])
    lengths = sorted({len(values) for values in columns.values()})
    raise InvalidColumns(f"columns must be of one length, got {lengths}", [*columns])


def take(columns: Columns, rows: NDArray[Any] | slice) -> Columns:
    """The given rows (indices, a slice, or a mask of shape (n,)) of every column."""
    if isinstance(columns, Taken):
        return take(columns.columns, columns.rows[rows])
    return {name: values[rows] for name, values in columns.items()}


def most_frequent(values: Array, most: int) -> list[str]:
    """Up to `most` levels of a category (n,), the most frequent first, equals by name."""
    counts = _counted(values)
    del counts[None]
    return sorted(counts, key=lambda level: (-counts[level], level))[:most]


def _counted(values: Array) -> Counter[Any]:
    """Rows of each level of a category (n,), None for missing; of none that no row has."""
    if not isinstance(values, Words) or values.levels is None:
        return Counter(values.tolist())
    counts = np.bincount(values.codes, minlength=len(values.levels)).tolist()  # type: ignore[arg-type]
    return +Counter(dict(zip(values.levels.tolist(), counts, strict=True)))


def numbered(
    values: Array, numbers: Mapping[str | None, float], otherwise: float
) -> NDArray[np.float64]:
    """The number of each value of a category (n,), and of a word that has none `otherwise`."""
    if isinstance(values, Words) and values.levels is not None:
        found: NDArray[np.float64] = numbered(values.levels, numbers, otherwise)[values.codes]
        return found
    return np.array([numbers.get(value, otherwise) for value in values.tolist()])


def contract_columns(columns: Columns, contract: Contract) -> Columns:
    """Bring columns into the contract's order and form; optional ones that are absent are missing.

    Raises:
        InvalidColumns: an unknown column, an absent required one, a wrong type of array, or
            columns of different lengths.
    """
    known = contract.columns
    for name in columns:
        if name not in known:
            raise InvalidColumns(f"unknown column {name!r}", [*known])
    rows = row_count(columns)
    no_words, no_numbers = np.full(rows, None, dtype=object), np.full(rows, np.nan)
    complete: dict[str, Array] = {}
    for name, column in known.items():
        # Not isinstance, which takes ten times as long on pydantic's classes.
        is_category = column.type == "category"
        if name in columns:
            complete[name] = _in_form(name, columns[name], is_category, contract)
        elif column.required:
            raise InvalidColumns(f"required column {name!r} is absent", [*known])
        else:
            complete[name] = (no_words if is_category else no_numbers).copy()
    return complete


def _in_form(name: str, values: Array, is_category: bool, contract: Contract) -> Array:
    fits = values.dtype == object if is_category else values.dtype.kind in "fiub"
    if not fits:
        wanted = "text or None (dtype object)" if is_category else "numbers"
        problem = f"column {name!r} must be a flat array of {wanted}"
        raise InvalidColumns(problem, [*contract.columns])
    return values if is_category else values.astype(np.float64, copy=False)
