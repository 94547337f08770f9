"""Bringing valid rows into their final form: typed, canonical, one row for each customer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from churn.contract import Contract
from churn.errors import RowsNotAccountedFor
from churn.parsing import parse, parse_id, parse_target
from churn.tables import arrow_type, to_arrow


def clean(table: pa.Table, contract: Contract) -> pa.Table:
    """Type every column, spell categories as the contract does, keep one row a customer.

    Of rows with one id the last in the file stays, since exports append. The result is sorted by
    id, so that the order of an export changes no model.

    Args:
        table: valid raw rows.
        contract: of the table.
    Returns:
        id (text), target (boolean) where present, feature columns; sorted by id.
    """
    return _one_row_each(typed(table, contract), contract.id_column)


def typed(table: pa.Table, contract: Contract) -> pa.Table:
    """Type every column and spell categories as the contract does: each row by itself.

    Args:
        table: valid raw rows.
        contract: of the table.
    Returns:
        id (text), target (boolean) where present, feature columns; rows in the order given.
    """
    arrays = {contract.id_column: pa.array(parse_id(table.column(contract.id_column)), pa.string())}
    target = contract.target
    if target.column in table.column_names:
        outcome = parse_target(table.column(target.column), target).values
        arrays[target.column] = to_arrow(outcome, pa.bool_())
    for name, column in contract.columns.items():
        arrays[name] = to_arrow(parse(table.column(name), column).values, arrow_type(column))
    return pa.table(arrays)


def _one_row_each(table: pa.Table, id_column: str) -> pa.Table:
    row = pa.array(np.arange(table.num_rows))
    rows = pa.table({"id": table.column(id_column), "row": row})
    last = rows.group_by("id").aggregate([("row", "max")]).sort_by("id")
    return table.take(last.column("row_max"))


def accounted(name: str, rows_in: int, quarantined: int, valid: int, out: int) -> dict[str, int]:
    """Where every row went; `rows_in` is the sum of the other three.

    Raises:
        RowsNotAccountedFor: they do not add up.
    """
    parts = {"quarantined": quarantined, "duplicates": valid - out, "rows_out": out}
    if rows_in != sum(parts.values()) or min(parts.values()) < 0:
        raise RowsNotAccountedFor(name, rows_in, parts)
    return {"rows_in": rows_in, **parts}
