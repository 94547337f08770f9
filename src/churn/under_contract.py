"""Giving customers of any source the form of a snapshot: the contract's columns, in its order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from churn.reading.wanted import Wanted
from churn.wrong_type import refuse_wrong_types

# Digits of a row's number.
WIDTH = 7


def under_contract(
    tables: Iterable[pa.Table], wanted: Wanted, where: str, before: int = 0
) -> Iterator[pa.Table]:
    """Complete what was read; the types of its first rows are looked at.

    Args:
        tables: of the columns that are wanted, as far as they are there.
        wanted: columns; those of the contract that recent customers lack become missing values.
        where: the customers come from.
        before: rows of the same source that came before, elsewhere.
    Raises:
        WrongColumnType: most of the first values of a column cannot be read as its type.
    """
    contract, is_first = wanted.contract, True
    for table in tables:
        if is_first:
            refuse_wrong_types(where, table, contract)
        is_first = False
        completed = _completed(table, wanted)
        if contract.id is None:
            numbers = _row_numbers(before, table.num_rows)
            completed = completed.add_column(0, contract.id_column, numbers)
        before += table.num_rows
        yield completed


def _completed(table: pa.Table, wanted: Wanted) -> pa.Table:
    """All columns of the contract in its order, and the id and the outcome as far as they are."""
    for name in wanted.contract.columns:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table.select([name for name in wanted.columns if name in table.column_names])


def _row_numbers(before: int, rows: int) -> pa.Array:
    return pa.array([row_number(number) for number in range(before + 1, before + rows + 1)])


def row_number(number: int) -> str:
    """A row's number such that numbers sort as text: `0000001`, …, `9999999`, `A10000000`, ….

    A row keeps its number, and so its side of the split, however many follow.
    """
    digits = f"{number:0{WIDTH}d}"
    more = len(digits) - WIDTH
    return f"{chr(ord('A') + more - 1)}{digits}" if more else digits
