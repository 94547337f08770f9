"""Telling a column whose values are of another type than its contract says."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from churn.contract import Contract
from churn.errors import WrongColumnType
from churn.parsing import as_text, parse

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
            parsed, raw = parse(table.column(name), column), table.column(name)
            unreadable, given = int(parsed.unreadable.sum()), int((~parsed.missing).sum())
            few = as_text(raw).filter(pa.array(parsed.unreadable)).slice(0, EXAMPLES)
            refuse_wrong_type(where, name, column.allowed, unreadable, given, few.to_pylist())


def refuse_wrong_type(
    where: str, column: str, allowed: str, unreadable: int, given: int, examples: Sequence[str]
) -> None:
    """The same of one column, by how many of its values cannot be read.

    Args:
        where: the table comes from.
        column: its name.
        allowed: in words.
        unreadable: values that cannot be read.
        given: values that are not missing.
        examples: of those that cannot be read, as text.
    Raises:
        WrongColumnType: they are most.
    """
    share = unreadable / given if given else 0.0
    if share > MOSTLY:
        raise WrongColumnType(where, column, allowed, share, [*map(repr, examples)])
