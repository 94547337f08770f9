"""Telling a column whose values are of another type than its contract says."""

from __future__ import annotations

import pyarrow as pa

from churn.contract import Column, Contract
from churn.errors import WrongColumnType
from churn.parsing import Parsed, as_text, parse

MOSTLY = 0.5
EXAMPLES = 3


def refuse_wrong_types(where: str, table: pa.Table, contract: Contract) -> None:
    """Check the columns of a table, those that it has.

    Args:
        where: the table comes from.
        table: of n rows, under the contract's names.
        contract: of the table.
    Raises:
        WrongColumnType: most values that are given in a column cannot be read as its type.
    """
    for name, column in contract.columns.items():
        if name in table.column_names:
            raw = table.column(name)
            refuse_wrong_type(where, name, column, parse(raw, column), raw)


def refuse_wrong_type(
    where: str, name: str, column: Column, parsed: Parsed, raw: pa.ChunkedArray
) -> None:
    """The same of one column, its values read already.

    Raises:
        WrongColumnType: most values that are given cannot be read.
    """
    given = (~parsed.missing).sum()
    share = parsed.unreadable.sum() / given if given else 0.0
    if share > MOSTLY:
        text = as_text(raw).filter(pa.array(parsed.unreadable))
        examples = [repr(value) for value in text.slice(0, EXAMPLES).to_pylist()]
        raise WrongColumnType(where, name, column.allowed, share, examples)
