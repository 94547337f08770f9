"""How much each model input matters, over many customers: mean |SHAP| and direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churn.columns import Array, Columns, row_count, take
from churn.contract import MISSING
from churn.reasons import contributions
from churn.scoring import Scorer

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Direction = Literal["+", "-", "mixed"]

# TreeSHAP takes 0.2 ms a row for 200 trees of depth 3, 2 ms for 300 of depth 6: this many rows take
# 1 to 10 seconds on one thread. The standard error of their mean is 1.4 % of the spread of one row.
MOST_ROWS = 5000
# Groups of equal size in which the contribution of a number is looked at.
GROUPS = 10
# Share of all ups and downs from group to group that a rise or fall on the whole must make up.
LEAST_TREND = 2 / 3
# A level that fewer rows have (1 of so many) is too rare to be named.
ONE_ROW_IN = 100
# Numbers that are nothing but these answer a question.
YES_OR_NO = ("no", "yes")


@dataclass(frozen=True)
class Level:
    """A level of a category or a range of a number: its mean contribution, over how many rows."""

    level: str
    contribution: float
    rows: int


@dataclass(frozen=True)
class Importance:
    """How much an input matters.

    Attributes:
        input: its name.
        strength: mean absolute contribution, in log-odds.
        direction: of a number: `+` where higher values push towards churn, `-` where away from it,
            `mixed` where neither is so all along, or it does nothing; None for a category and for
            yes and no.
        towards, away: the level, or range of a tenth of the customers, that pushes most towards
            churn, and the one that pushes most away from it, of those that one row in `ONE_ROW_IN`
            has; None where none pushes that way.
    """

    input: str
    strength: float
    direction: Direction | None
    towards: Level | None
    away: Level | None


@dataclass(frozen=True)
class Importances:
    """How much each input matters, the strongest first, measured on so many `rows`."""

    rows: int
    inputs: tuple[Importance, ...]

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


def _importance(name: str, values: Array, contribution: Floats) -> Importance:
    strength, direction = float(np.abs(contribution).mean()), None
    if values.dtype == object:
        names = np.array([MISSING if value is None else value for value in values], dtype=object)
        levels = _levels(*np.unique(names, return_inverse=True), contribution)
    else:
        present = ~np.isnan(values)
        texts, group = _groups(values[present])
        levels = _levels(texts, group, contribution[present])
        direction = None if {*texts} <= {*YES_OR_NO} else _direction(levels)
    highest = max(levels, key=lambda level: level.contribution, default=None)
    lowest = min(levels, key=lambda level: level.contribution, default=None)
    return Importance(
        name,
        strength,
        direction,
        highest if highest and highest.contribution > 0 else None,
        lowest if lowest and lowest.contribution < 0 else None,
    )


def _groups(values: Floats) -> tuple[Array, Whole]:
    """Groups of equal size, as far as equal values allow: their ranges in words, rising.

    Args:
        values: (m,), none missing.
    Returns:
        the words (groups,), and for each value the number of its group (m,).
    """
    distinct = np.unique(values)
    if np.isin(distinct, (0, 1)).all():
        return np.array(
            [YES_OR_NO[int(value)] for value in distinct], dtype=object
        ), np.searchsorted(distinct, values)
    if len(distinct) > GROUPS:
        inner = np.quantile(values, np.arange(1, GROUPS) / GROUPS, method="lower")
        bounds = np.unique(np.append(inner, distinct[-1]))
    else:
        bounds = distinct
    group = np.searchsorted(bounds, values)
    first = distinct[np.searchsorted(distinct, np.append(-np.inf, bounds[:-1]), side="right")]
    texts = [
        f"{high:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
        for low, high in zip(first.tolist(), bounds.tolist(), strict=True)
    ]
    return np.array(texts, dtype=object), group


def _levels(names: Array, number: Whole, contribution: Floats) -> list[Level]:
    """Levels that are not rare, in the order of the names.

    names: (levels,); number: of each row's level, (m,); contribution: (m,).
    """
    counts = np.bincount(number, minlength=len(names))
    means = np.bincount(number, contribution, len(names)) / counts
    found = zip(names.tolist(), means.tolist(), counts.tolist(), strict=True)
    return [Level(*one) for one in found if one[2] * ONE_ROW_IN >= len(number)]


def _direction(levels: Sequence[Level]) -> Direction:
    """Of the mean contribution from the group of the lowest values to that of the highest."""
    steps = np.diff([level.contribution for level in levels])
    trend, ups_and_downs = steps.sum(), np.abs(steps).sum()
    if ups_and_downs == 0 or abs(trend) < LEAST_TREND * ups_and_downs:
        return "mixed"
    return "+" if trend > 0 else "-"
