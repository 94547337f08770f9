"""How much each model input matters, over many customers: mean |SHAP| and direction."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churn.columns import Array, Columns, row_count, take
from churn.contract import MISSING
from churn.reasons import contributions
from churn.scoring import Scorer

Floats = NDArray[np.float64]
Direction = Literal["+", "-", "mixed"]

# TreeSHAP takes 0.2 ms a row for 200 trees of depth 3, 2 ms for 300 of depth 6: this many rows take
# 1 to 10 seconds on one thread. The standard error of their mean is 1.4 % of the spread of one row.
MOST_ROWS = 5000
# A rank correlation weaker than this is no direction.
LEAST_CORRELATION = 0.3
# A level that fewer rows have (1 of so many) is too rare to be named.
ONE_ROW_IN = 100


@dataclass(frozen=True)
class Level:
    """One level of a category: its mean contribution, over how many rows."""

    level: str
    contribution: float
    rows: int


@dataclass(frozen=True)
class NumberImportance:
    """How much a number, or a yes (1) or no (0), matters.

    Attributes:
        input: its name.
        strength: mean absolute contribution, in log-odds.
        direction: `+` where high values push towards churn, `-` where away from it: the sign of
            Spearman's correlation between value and contribution over the rows that have a value;
            `mixed` where that is weaker than `LEAST_CORRELATION`, or undefined.
    """

    input: str
    strength: float
    direction: Direction


@dataclass(frozen=True)
class CategoryImportance:
    """How much a category matters.

    Attributes:
        input: its name.
        strength: mean absolute contribution, in log-odds.
        towards, away: the level that pushes most towards churn, and the one that pushes most away
            from it, of those that one row in `ONE_ROW_IN` has; None where none pushes that way.
    """

    input: str
    strength: float
    towards: Level | None
    away: Level | None


@dataclass(frozen=True)
class Importances:
    """How much each input matters, the strongest first, measured on so many `rows`."""

    rows: int
    inputs: tuple[NumberImportance | CategoryImportance, ...]

    def summary(self) -> dict[str, Any]:
        """As plain data."""
        return {"rows": self.rows, "inputs": [asdict(one) for one in self.inputs]}


def importances(scorer: Scorer, columns: Columns) -> Importances:
    """How much each input matters over many customers.

    Args:
        scorer: of the bundle to explain.
        columns: the contract's columns, each (n,) with n > 0. Of more than `MOST_ROWS` rows, so
            many are taken at even distances.
    Raises:
        InvalidColumns: an unknown, absent or misshapen column.
    """
    rows = row_count(columns)
    taken = min(rows, MOST_ROWS)
    found = contributions(scorer, take(columns, np.arange(taken) * rows // taken))
    inputs = [
        _importance(name, values, found.values[:, i])
        for i, (name, values) in enumerate(found.inputs.items())
    ]
    return Importances(taken, tuple(sorted(inputs, key=lambda one: -one.strength)))


def _importance(
    name: str, values: Array, contribution: Floats
) -> NumberImportance | CategoryImportance:
    strength = float(np.abs(contribution).mean())
    if values.dtype != object:
        present = ~np.isnan(values)
        direction = _direction(values[present], contribution[present])
        return NumberImportance(name, strength, direction)
    levels = _levels(values, contribution)
    highest = max(levels, key=lambda level: level.contribution, default=None)
    lowest = min(levels, key=lambda level: level.contribution, default=None)
    return CategoryImportance(
        name,
        strength,
        highest if highest and highest.contribution > 0 else None,
        lowest if lowest and lowest.contribution < 0 else None,
    )


def _levels(values: Array, contribution: Floats) -> list[Level]:
    """Levels that are not rare, by name."""
    names = np.array([MISSING if value is None else value for value in values], dtype=object)
    distinct, number, counts = np.unique(names, return_inverse=True, return_counts=True)
    means = np.bincount(number, contribution) / counts
    found = zip(distinct.tolist(), means.tolist(), counts.tolist(), strict=True)
    return [Level(*one) for one in found if one[2] * ONE_ROW_IN >= len(values)]


def _direction(values: Floats, contribution: Floats) -> Direction:
    """Sign of Spearman's correlation; values, contribution (m,), no value missing."""
    x, y = _centred_ranks(values), _centred_ranks(contribution)
    # Multiples of a quarter below 2^51: these sums are exact in any order.
    spread = math.sqrt((x * x).sum() * (y * y).sum())
    correlation = float((x * y).sum()) / spread if spread else 0.0
    if abs(correlation) < LEAST_CORRELATION:
        return "mixed"
    return "+" if correlation > 0 else "-"


def _centred_ranks(values: Floats) -> Floats:
    """Ranks less their mean, equals sharing the mean of theirs; (m,), multiples of a half."""
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[number] - (len(values) + 1) / 2
