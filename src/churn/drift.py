"""Drift: how far current rows have moved away from the reference bins.

The measure is the population stability index, PSI = Σ (share - reference) · ln(share / reference)
over the bins, both floored at 0.0001 (Siddiqi, Credit Risk Scorecards, 2006, where 0.1 and 0.25
are the customary bounds of `warning` and `alarm`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churn import exact, metrics
from churn.columns import Columns
from churn.contract import SCORE
from churn.reference import Bins, Reference
from churn.settings import LEAST_OF_EACH_CLASS, DriftSettings

FLOOR = 0.0001
Floats = NDArray[np.float64]
Level = Literal["ok", "warning", "alarm"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "alarm")


@dataclass(frozen=True)
class Drift:
    """Drift of one column or of the score: its PSI and the shares that make it up.

    Attributes:
        psi: population stability index, 0 for no movement.
        level: `ok`, `warning` or `alarm`.
        labels, reference, current: name, reference share and current share of each bin.
    """

    psi: float
    level: Level
    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """Current rows against the reference.

    Attributes:
        rows: number of current rows.
        drifts: by column, the score (`churn_probability`) among them, the strongest first.
        quality: metrics of the current rows whose outcome is known; None where there are too few.
    """

    rows: int
    drifts: Mapping[str, Drift]
    quality: Mapping[str, float] | None

    @property
    def level(self) -> Level:
        """The worst level of all."""
        return max((one.level for one in self.drifts.values()), key=LEVELS.index)

    def summary(self) -> dict[str, Any]:
        """What `reports/drift.json` holds."""
        psi_by_name = {n: {"psi": one.psi, "level": one.level} for n, one in self.drifts.items()}
        quality = self.quality and dict(self.quality)
        return {"rows": self.rows, "level": self.level, "drift": psi_by_name, "quality": quality}


def psi(reference: Floats, current: Floats) -> float:
    """Population stability index of two lists of shares (bins,), each summing to 1."""
    expected = np.maximum(reference, FLOOR)
    observed = np.maximum(current, FLOOR)
    return float(((observed - expected) * exact.log(observed / expected)).sum())


def compare(
    columns: Columns,
    scores: Floats,
    labels: Floats,
    threshold: float,
    reference: Reference,
    settings: DriftSettings,
) -> Comparison:
    """Measure every column that the reference knows, and quality where outcomes are known.

    Args:
        columns: the contract's columns of the current rows, each (n,) with n > 0.
        scores: their probabilities (n,).
        labels: 1 for churners, 0 for others, NaN where not known yet; (n,).
        threshold: decision threshold of the bundle.
        reference: bins of the training rows.
        settings: bounds of warning and alarm.
    """
    everything = {**columns, SCORE: scores}
    found = {
        name: _measure(bins, bins.count(everything[name]), settings)
        for name, bins in reference.bins.items()
    }
    strongest_first = dict(sorted(found.items(), key=lambda item: -item[1].psi))
    return Comparison(len(scores), strongest_first, _quality(labels, scores, threshold))


def _quality(labels: Floats, scores: Floats, threshold: float) -> dict[str, float] | None:
    known = ~np.isnan(labels)
    churners = labels[known].sum()
    if min(churners, known.sum() - churners) < LEAST_OF_EACH_CLASS:
        return None
    return metrics.measured(labels[known], scores[known], threshold)


def _measure(bins: Bins, counts: NDArray[np.int64], settings: DriftSettings) -> Drift:
    current = counts / counts.sum()
    value = psi(np.array(bins.ratios), current)
    level = LEVELS[int(value >= settings.warning) + int(value >= settings.alarm)]
    return Drift(value, level, bins.labels, bins.ratios, tuple(current.tolist()))
