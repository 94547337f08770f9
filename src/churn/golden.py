"""Golden rows: made-up customers whose probabilities travel in the bundle.

They show whether XGBoost, numpy and the feature functions of today still give what they gave when
the model was trained. No customer's data is in them: values are those of the contract and the
edges of the reference distributions, put together by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from churn.columns import Array, Columns, take
from churn.contract import (
    UNSEEN,
    BooleanColumn,
    CategoryColumn,
    Column,
    Contract,
    Frozen,
    IntegerColumn,
    NumberColumn,
)
from churn.errors import OtherProbability, WrongFeature
from churn.forest import MOST_ROWS
from churn.reference import Bins, CategoryBins, NumberBins, Reference

Score = Callable[[Columns], NDArray[np.float64]]
Value = float | str | None

ROWS = 64
# Rows at a time, besides one and all of them: no power of two, so that every remainder occurs.
PIECE = 7


class Golden(Frozen):
    """Content of `golden.json`.

    Attributes:
        columns: the contract's known columns, each (n,); None is missing.
        probabilities: that the rows had when the model was trained (n,).
    """

    columns: Mapping[str, tuple[Value, ...]]
    probabilities: tuple[float, ...] = Field(min_length=1)

    def check(self, contract: Contract, score: Score) -> None:
        """Score the rows again: one by one, a few at a time, and among many.

        Args:
            contract: of the bundle.
            score: gives the probabilities (n,) of the contract's columns, each (n,).
        Raises:
            OtherProbability: a bit is not as it was.
            ChurnError: what the feature functions of today cannot compute.
        """
        rows = {name: _array(contract.columns[name], of) for name, of in self.columns.items()}
        every = np.arange(len(self.probabilities))
        expected = np.array(self.probabilities)
        # So many that XGBoost scores them, not the tables.
        many = np.resize(every, max(len(every), MOST_ROWS + 1))
        pieces = [piece for size in (1, PIECE) for piece in _pieces(every, size)]
        for piece in (*pieces, many):
            found = score(take(rows, piece))
            if (differ := np.flatnonzero(found != expected[piece])).size:
                first = differ[0]
                row = int(piece[first])
                raise OtherProbability(row, float(found[first]), float(expected[row]))


def golden(contract: Contract, reference: Reference, score: Score) -> Golden:
    """Make the rows and score them.

    Rows for which a feature cannot be computed are left out: chance may put together what no
    customer has.

    Args:
        contract: of the table.
        reference: distributions of its known columns.
        score: gives the probabilities (n,) of the contract's columns, each (n,).
    Raises:
        WrongFeature: a feature cannot be computed for any row.
    """
    rows = golden_rows(contract, reference)
    kept = take(rows, np.array(_computable(rows, score)))
    columns = {name: _plain(values) for name, values in kept.items()}
    return Golden(columns=columns, probabilities=tuple(score(kept).tolist()))


def golden_rows(contract: Contract, reference: Reference) -> Columns:
    """Customers within the contract, the first with nothing but what is required; each (ROWS,)."""
    random = np.random.default_rng(0)
    rows: dict[str, Array] = {}
    for name in contract.known_columns:
        column = contract.columns[name]
        missing = [] if column.required else [None]
        values = [*missing, *_values(column, reference.bins[name])]
        # The values in turn, so that each occurs, in an order of the column's own.
        order = [0, *(1 + np.argsort(random.random(ROWS - 1), kind="stable")).tolist()]
        rows[name] = _array(column, [values[i % len(values)] for i in order])
    return rows


def _computable(rows: Columns, score: Score) -> list[int]:
    found, failure = [], None
    for i in range(ROWS):
        try:
            with np.errstate(all="ignore"):
                score(take(rows, np.array([i])))
            found.append(i)
        except WrongFeature as error:
            failure = error
    if failure and not found:
        raise failure
    return found


def _values(column: Column, bins: Bins) -> list[Value]:
    if isinstance(column, CategoryColumn):
        seen = bins.levels if isinstance(bins, CategoryBins) else ()
        return [*(column.values or (*seen, UNSEEN))]
    if isinstance(column, BooleanColumn):
        return [0.0, 1.0]
    return [*_numbers(column, bins.edges if isinstance(bins, NumberBins) else ())]


def _numbers(column: IntegerColumn | NumberColumn, edges: tuple[float, ...]) -> list[float]:
    """Edges of the bins, what is just above and between them, and what no training row had."""
    low, high = (edges[0], edges[-1]) if edges else (0.0, 0.0)
    span = high - low or 1.0
    bounds = [float(bound) for bound in (column.min, column.max) if bound is not None]
    found = [*edges, *bounds, low - span, high + span]
    # An open bound is no value itself; what is near it is beyond all but a few training rows.
    found += [column.above + (low - column.above) / 100] if column.above is not None else []
    found += [column.below + (high - column.below) / 100] if column.below is not None else []
    found += [(one + other) / 2 for one, other in pairwise(edges)]
    if isinstance(column, IntegerColumn):
        found = [float(np.floor(one)) for one in (*found, *(edge + 1 for edge in edges))]
    else:
        found += [float(np.nextafter(edge, np.inf)) for edge in edges]
    allowed = sorted({one for one in found if _is_allowed(column, one)})
    # No row had a value, and none is named in the contract.
    return allowed or [high]


def _is_allowed(column: IntegerColumn | NumberColumn, value: float) -> bool:
    return (
        (column.min is None or value >= column.min)
        and (column.max is None or value <= column.max)
        and (column.above is None or value > column.above)
        and (column.below is None or value < column.below)
    )


def _array(column: Column, values: list[Value] | tuple[Value, ...]) -> Array:
    """Values in the form in which they are scored."""
    is_category = isinstance(column, CategoryColumn)
    return np.array(values, dtype=object if is_category else np.float64)


def _plain(values: Array) -> tuple[Value, ...]:
    return tuple(None if value != value else value for value in values.tolist())  # noqa: PLR0124


def _pieces(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return np.split(rows, range(size, len(rows), size))
