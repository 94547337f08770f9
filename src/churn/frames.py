"""A pandas data frame, as people have it, into `columns`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from churn.columns import Array, Columns
from churn.contract import Column, Contract
from churn.errors import InvalidColumns
from churn.parsing import as_text, parse
from churn.wording import listed

if TYPE_CHECKING:
    import pandas as pd


def to_columns(frame: pd.DataFrame, contract: Contract) -> Columns:
    """The columns of a frame that the model may know; any other is left out.

    Values mean what they mean in an export that the pipeline reads: clean values stay as they are,
    and the usual spellings of yes and no, numbers and missing values are understood.

    Raises:
        InvalidColumns: a value that is not of its column's type, or a column that is there twice.
    """
    known = contract.known_columns
    return {
        name: _values(frame, name, contract.columns[name], known)
        for name in known
        if name in frame.columns
    }


def _values(frame: pd.DataFrame, name: str, column: Column, known: Sequence[str]) -> Array:
    try:
        raw = pa.Table.from_pandas(frame[[name]], preserve_index=False).column(name)
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise InvalidColumns(f"column {name!r}: {error}", known) from None
    parsed = parse(raw, column)
    if parsed.unreadable.any():
        odd = as_text(raw).filter(pa.array(parsed.unreadable)).unique().to_pylist()
        raise InvalidColumns(f"column {name!r}: {listed(odd, 3)}: not {column.allowed}", known)
    return parsed.values
