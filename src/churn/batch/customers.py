"""Rows of an export into customers as the server takes them, and what is wrong with the others.

What a value means is said by `churn.parsing`, as for the rows that a model is trained on; which
ones are allowed by `churn.fields`, as for requests to the server. So a row that is scored here gets
the same answer from the server, and one that is set aside would be refused there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn.columns import Array, Columns, Words
from churn.contract import LARGEST_EXACT, CategoryColumn, Column, Contract
from churn.fields import LONGEST_TEXT, Field, NumberField, TextField, field
from churn.parsing import MISSING_WORDS, Parsed, as_text, parse, parse_id
from churn.problems import Problem, shown

Mask = NDArray[np.bool_]
# Whole numbers that a float64 reaches.
DIGITS = re.compile(r"[+-]?\d{1,400}", re.ASCII)
LONGEST_MISSING_WORD = max(map(len, MISSING_WORDS))


@dataclass(frozen=True)
class Customers:
    """Rows as they were read.

    Attributes:
        ids: of the customers (n,), text; None where the contract has no id.
        columns: those known when a prediction is asked for, each (n,).
        problems: what is wrong, by row.
    """

    ids: pa.Array | None
    columns: Columns
    problems: Mapping[int, list[Problem]]


class Reader:
    """Reads customers as a contract describes them."""

    def __init__(self, contract: Contract) -> None:
        self._id = TextField(contract.id, required=True) if contract.id else None
        self._columns = {name: contract.columns[name] for name in contract.known_columns}
        self._fields = {name: field(name, column) for name, column in self._columns.items()}

    def read(self, table: pa.Table) -> Customers:
        """Read rows.

        Args:
            table: n rows under the contract's names.
        """
        problems: dict[int, list[Problem]] = {}
        columns: dict[str, Array] = {}
        ids, found = self._ids(table) if self._id else (None, {})
        for i, problem in found.items():
            problems.setdefault(i, []).append(problem)
        for name, column in self._columns.items():
            raw, one = table.column(name), self._fields[name]
            columns[name], wrong = _judged(raw, column, one)
            if wrong.any():
                rows = np.flatnonzero(wrong)
                for i, problem in zip(rows.tolist(), _told(raw, column, one, rows), strict=True):
                    problems.setdefault(i, []).append(problem)
        return Customers(ids, columns, problems)

    def _ids(self, table: pa.Table) -> tuple[pa.Array, dict[int, Problem]]:
        if self._id is None:
            raise ValueError("the contract has no id")
        ids = _texts(table.column(self._id.name))
        # Where there is nothing unusual, one look at all of them is enough.
        is_short = pc.less_equal(pc.utf8_length(ids), LONGEST_TEXT)
        is_plain = pc.fill_null(pc.and_(pc.ascii_is_printable(ids), is_short), fill_value=False)
        unusual = np.flatnonzero(~is_plain.to_numpy(zero_copy_only=False))
        given = zip(unusual.tolist(), ids.take(pa.array(unusual)).to_pylist(), strict=True)
        return ids, {i: one for i, text in given if (one := self._id.problem(text))}


def _texts(raw: pa.ChunkedArray) -> pa.Array:
    """Ids as `parse_id` reads them, without looking closely at those that are plainly given."""
    texts = pc.utf8_trim_whitespace(as_text(raw))
    is_short = pc.less_equal(pc.utf8_length(texts), LONGEST_MISSING_WORD)
    doubtful = pc.and_not(is_short, pc.ascii_is_decimal(texts))
    if not pc.any(doubtful).as_py():
        return texts
    read = pa.array(parse_id(raw.filter(doubtful)), pa.string())
    return pc.replace_with_mask(texts, doubtful, read)


def _judged(raw: pa.ChunkedArray, column: Column, one: Field) -> tuple[Array, Mask]:
    """Values of a column (n,), and which of them are not allowed."""
    array = raw.combine_chunks()
    has_levels = pa.types.is_dictionary(array.type) and len(array.dictionary) <= len(array)
    if not has_levels:
        if not isinstance(column, CategoryColumn):
            return _looked_at(raw, column, one)
        array = pc.dictionary_encode(as_text(raw))
    # Each level is looked at once, and one more stands for a missing value.
    levels = pa.concat_arrays([array.dictionary, pa.nulls(1, array.dictionary.type)])
    values, wrong = _looked_at(pa.chunked_array([levels]), column, one)
    codes = array.indices.cast(pa.int64()).fill_null(len(levels) - 1).to_numpy()
    if values.dtype == object:
        return Words.of(values, codes), wrong[codes]
    return values[codes], wrong[codes]


def _looked_at(raw: pa.ChunkedArray, column: Column, one: Field) -> tuple[Array, Mask]:
    parsed = parse(raw, column)
    values, wrong = parsed.values, parsed.unreadable
    if one.required:
        wrong = wrong | parsed.missing
    if isinstance(one, NumberField):
        # Not -0.0, as in requests.
        values = values + 0.0
        wrong = wrong | ~(one.right(values) | np.isnan(values))
        doubtful = np.flatnonzero(one.doubtful(values))
        wrong[doubtful] = [one.problem(value) for value in _given(raw, parsed, doubtful)]
    elif values.dtype == object:
        wrong = wrong | np.array([v is not None and bool(one.problem(v)) for v in values], bool)
    return values, wrong


def _told(
    raw: pa.ChunkedArray, column: Column, one: Field, rows: NDArray[np.int64]
) -> list[Problem]:
    """What is wrong with the values of these rows."""
    few = raw.take(pa.array(rows))
    given = _given(few, parse(few, column), np.arange(len(rows)))
    return [one.problem(v) or Problem(one.name, f"{shown(v)} is wrong", one.allowed) for v in given]


def _given(raw: pa.ChunkedArray, parsed: Parsed, rows: NDArray[np.int64]) -> list[object]:
    """Values of these rows as a request would have them; the text where it is of another type."""
    texts = as_text(raw.take(pa.array(rows))).to_pylist()
    return [
        None if parsed.missing[i] else text if parsed.unreadable[i] else _exact(text, value)
        for text, i, value in zip(texts, rows.tolist(), parsed.values[rows].tolist(), strict=True)
    ]


def _exact(text: str, value: object) -> object:
    """A value as it was written, if a float64 does not hold all digits of it."""
    if isinstance(value, float) and value.is_integer():
        is_plain = DIGITS.fullmatch(text.strip()) and abs(value) >= LARGEST_EXACT
        return int(text) if is_plain else int(value)
    return value
