"""Shifts of known kind and strength, planted in customers of the generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn.columns import Array, Columns

Generator = np.random.Generator


@dataclass(frozen=True)
class Shift:
    """One planted change.

    Attributes:
        kind: what changes, in words.
        strength: how much.
        column: where.
        change: from the column's values and a generator to the changed ones.
    """

    kind: str
    strength: float
    column: str
    change: Callable[[Array, Generator], Array]

    @property
    def name(self) -> str:
        """Kind and strength."""
        return f"{self.kind}, {self.strength:g}"

    def plant(self, columns: Columns, seed: int) -> Columns:
        """The customers with the change; columns, each (n,), and a seed."""
        changed = self.change(columns[self.column], np.random.default_rng(seed))
        return {**columns, self.column: changed}


def _moved(deviations: float) -> Callable[[Array, Generator], Array]:
    return lambda values, _: values + deviations * np.nanstd(values)


def _spread(factor: float) -> Callable[[Array, Generator], Array]:
    def change(values: Array, _: Generator) -> Array:
        middle = np.nanmean(values)
        return np.maximum(middle + factor * (values - middle), 0.01)

    return change


def _some(share: float, become: Callable[[Array], Any]) -> Callable[[Array, Generator], Array]:
    """A share of the rows changes, drawn at random."""
    return lambda values, rng: np.where(rng.random(len(values)) < share, become(values), values)


def shifts() -> Iterator[Shift]:
    """Every kind at three strengths."""
    for deviations in (0.1, 0.2, 0.4):
        yield Shift("mean, deviations", deviations, "monthly_charges", _moved(deviations))
    for factor in (1.05, 1.1, 1.25):
        yield Shift("spread, times", factor, "monthly_charges", _spread(factor))
    for share in (0.1, 0.25, 0.5):
        monthly = _some(share, lambda _: "Month-to-month")
        yield Shift("one category, share", share, "contract", monthly)
    for share in (0.05, 0.1, 0.2):
        missing = _some(share, lambda _: np.nan)
        yield Shift("missing, share", share, "data_usage_gb", missing)
    for share in (0.05, 0.1, 0.3):
        hours = _some(share, lambda minutes: minutes / 60)
        yield Shift("hours for minutes, share", share, "call_minutes", hours)
