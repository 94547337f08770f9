"""Drift: how far current rows have moved away from the reference bins.

The measure is the population stability index, PSI = Σ (share - reference) · ln(share / reference)
over the bins, both floored at 0.0001 (Siddiqi, Credit Risk Scorecards, 2006, where 0.1 and 0.25
are the customary bounds of `warning` and `alarm`). The bounds were made for samples of thousands:
of two hundred rows chance alone passes them. So a column has moved only if its PSI is at a bound,
is above what chance gives for so many rows, and the two samples differ significantly
(`churn.chance`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churn import exact
from churn.chance import corrected, homogeneity, psi_by_chance
from churn.columns import Columns, row_count
from churn.contract import SCORE
from churn.reference import Bins, Reference
from churn.settings import DriftSettings

FLOOR = 0.0001
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Level = Literal["ok", "warning", "alarm"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "alarm")


@dataclass(frozen=True)
class Drift:
    """Drift of one column or of the score, and the shares that make it up.

    Attributes:
        psi: population stability index, 0 for no movement.
        chance: the index that chance alone stays below 99.9 % of the time, for so many rows.
        p_value: of the test that nothing moved, corrected for the number of columns.
        level: `ok`, `warning` or `alarm`.
        labels, reference, current: name, reference share and current share of each bin.
    """

    psi: float
    chance: float
    p_value: float
    level: Level
    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON, rounded to what is meant: six decimals, three digits of p."""
        return {
            "psi": round(self.psi, 6),
            "chance": round(self.chance, 6),
            "p_value": float(f"{self.p_value:.3g}"),
            "level": self.level,
        }


@dataclass(frozen=True)
class Comparison:
    """Current rows against the reference.

    Attributes:
        rows: number of current rows.
        drifts: by column, the score (`churn_probability`) among them, the strongest first.
    """

    rows: int
    drifts: Mapping[str, Drift]

    @property
    def level(self) -> Level:
        """The worst level of all; `ok` where nothing was compared."""
        levels = (one.level for one in self.drifts.values())
        return max(levels, key=LEVELS.index, default="ok")

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        drifts = {name: one.summary() for name, one in self.drifts.items()}
        return {"rows": self.rows, "level": self.level, "drift": drifts}


def psi(reference: Floats, current: Floats) -> float:
    """Population stability index of two lists of shares (bins,), each summing to 1."""
    expected = np.maximum(reference, FLOOR)
    observed = np.maximum(current, FLOOR)
    return float(((observed - expected) * exact.log(observed / expected)).sum())


def compare(
    columns: Columns, scores: Floats, reference: Reference, settings: DriftSettings
) -> Comparison:
    """Measure every column that the reference knows, and the score.

    Args:
        columns: the contract's columns of the current rows, each (n,).
        scores: probabilities of those whom this model has scored (m,). What is empty, is left out.
        reference: bins of the training rows.
        settings: bounds of warning and alarm, and how often chance may be taken for drift.
    """
    everything = {**columns, SCORE: scores}
    known = {name: bins for name, bins in reference.bins.items() if len(everything[name])}
    counted = {name: bins.count(everything[name]) for name, bins in known.items()}
    before = {
        name: np.rint(reference.rows * np.array(bins.ratios)).astype(np.int64)
        for name, bins in known.items()
    }
    p_values = corrected([homogeneity(before[name], now) for name, now in counted.items()])
    found = {
        name: _measure(known[name], before[name], now, p_value, settings)
        for (name, now), p_value in zip(counted.items(), p_values, strict=True)
    }
    return Comparison(
        row_count(columns), dict(sorted(found.items(), key=lambda item: -item[1].psi))
    )


def _measure(
    bins: Bins, before: Counts, now: Counts, p_value: float, settings: DriftSettings
) -> Drift:
    current = now / now.sum()
    value, chance = psi(np.array(bins.ratios), current), psi_by_chance(before, now)
    is_real = value > chance and p_value <= settings.false_alarm
    bounds_passed = int(value >= settings.warning) + int(value >= settings.alarm)
    level = LEVELS[bounds_passed if is_real else 0]
    return Drift(value, chance, p_value, level, bins.labels, bins.ratios, tuple(current.tolist()))
