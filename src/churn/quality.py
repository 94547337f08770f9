"""Quality of decisions whose outcomes have become known, against the bundle's baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.bootstrap import Sample, resampled
from churn.estimation import RESAMPLES, SEED, simulated
from churn.metrics import LOSSES, Floats
from churn.settings import LEAST_OF_EACH_CLASS

METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc", "calibration_error")
# Share of chance's own falls that are called a fall, at most.
TAIL = 0.01


@dataclass(frozen=True)
class Change:
    """One metric now and on the customers held out when the model was made.

    Attributes:
        value, baseline: now and then.
        fall: by how much it is worse, below 0 where it is better.
        chance: the fall that chance alone stays below 99 % of the time, for so many customers.
        n: number of customers whose outcome is known.
        fallen: whether the fall is above the bound that was given, and above chance.
    """

    value: float
    baseline: float
    fall: float
    chance: float
    n: int
    fallen: bool


@dataclass(frozen=True)
class Quality:
    """Measured quality: number of customers and churners it stands on, and each of `METRICS`."""

    n: int
    churners: int
    metrics: Mapping[str, Change]

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def quality(
    labels: Floats,
    scores: Floats,
    decisions: NDArray[np.bool_],
    baseline: Mapping[str, float],
    max_fall: float,
) -> Quality | None:
    """Hold metrics against their baseline.

    What chance gives is measured by the bootstrap; for the calibration error, which is never 0 and
    the higher the fewer customers there are, by outcomes drawn from the scores.

    Args:
        labels: 1 for churners, 0 for others, NaN where not known yet; (n,).
        scores: probabilities (n,).
        decisions: who was flagged (n,).
        baseline: each of `METRICS` on the customers held out.
        max_fall: by which a metric may fall.
    Returns:
        None where fewer than five outcomes of either kind are known.
    """
    known = ~np.isnan(labels)
    labels, scores, decisions = labels[known], scores[known], decisions[known]
    n, churners = len(labels), int(labels.sum())
    if min(churners, n - churners) < LEAST_OF_EACH_CLASS:
        return None
    values, spread = _measured(labels, scores, decisions)
    errors = simulated(scores, decisions)["calibration_error"]
    falls = {name: values[name] - low for name, low in spread.items()}
    error = float(np.quantile(errors, 1 - TAIL)) - baseline["calibration_error"]
    chances = {**falls, "calibration_error": error}
    return Quality(
        n,
        churners,
        {m: _change(values[m], baseline[m], chances[m], m, n, max_fall) for m in METRICS},
    )


def _measured(
    labels: Floats, scores: Floats, decisions: NDArray[np.bool_]
) -> tuple[dict[str, float], dict[str, float]]:
    """Each of `METRICS`, and the value that its resamples stay above 99 % of the time."""
    # A decision is a score of its own, with a threshold between no and yes.
    decided = Sample(labels, decisions.astype(np.float64), 0.5)
    ranked = Sample(labels, scores, 0.5)
    by_decision, by_score = resampled([decided, ranked], len(labels), RESAMPLES, SEED)
    values = {**ranked.measure(), **_of_decisions(decided.measure())}
    draws = {**by_score, **_of_decisions(by_decision)}
    return (
        {name: float(values[name][0]) for name in METRICS},
        {name: float(np.nanquantile(draws[name], TAIL)) for name in METRICS},
    )


def _of_decisions(measured: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: measured[name] for name in ("accuracy", "precision", "recall", "f1")}


def _change(
    value: float, baseline: float, chance: float, name: str, n: int, max_fall: float
) -> Change:
    fall = value - baseline if name in LOSSES else baseline - value
    return Change(value, baseline, fall, chance, n, fall > max(max_fall, chance))
