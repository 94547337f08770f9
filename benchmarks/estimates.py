"""How near the estimate of quality without outcomes comes to the truth, and where it must fail."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import exact, metrics
from churn.columns import Columns
from churn.estimation import estimate

Floats = NDArray[np.float64]

ROWS, DRAWS = 2000, 100
METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc")
# How many times as likely a customer who pays month to month is to be among the current ones.
COVARIATE = (0.2, 1.0, 3.0, 10.0)
# What is added to the log-odds of customers on longer contracts: they leave as they never did.
CONCEPT = 1.5


def estimates(columns: Columns, scores: Floats, truth: Floats, threshold: float) -> dict[str, Any]:
    """By shift and metric: truth, estimate, and how far apart they are.

    Args:
        columns: of many customers, each (n,).
        scores: what the model says of them (n,).
        truth: their true probabilities (n,).
        threshold: decision threshold.
    """
    monthly = columns["contract"] == "Month-to-month"
    odds = exact.log(truth / (1 - truth)) + np.where(monthly, 0.0, CONCEPT)
    found = {
        f"month to month × {times:g}": _errors(
            np.where(monthly, times, 1.0), scores, truth, threshold
        )
        for times in COVARIATE
    }
    everyone = np.ones(len(scores))
    concept = _errors(everyone, scores, exact.sigmoid(odds), threshold)
    return {**found, "other behaviour": concept}


def _errors(weights: Floats, scores: Floats, truth: Floats, threshold: float) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    estimated: dict[str, list[tuple[float, float, float]]] = {name: [] for name in METRICS}
    real: dict[str, list[float]] = {name: [] for name in METRICS}
    for _ in range(DRAWS):
        rows = rng.choice(len(scores), ROWS, p=weights / weights.sum())
        labels = (rng.random(ROWS) < truth[rows]).astype(np.float64)
        expected = estimate(scores[rows], scores[rows] >= threshold).metrics
        assert expected is not None  # noqa: S101
        happened = metrics.measured(labels, scores[rows], threshold)
        for name in METRICS:
            one = expected[name]
            estimated[name].append((one.value, one.low, one.high))
            real[name].append(happened[name])
    return {name: _summary(np.array(estimated[name]), np.array(real[name])) for name in METRICS}


def _summary(estimated: Floats, real: Floats) -> dict[str, float]:
    value, low, high = estimated.T
    return {
        "real": round(float(real.mean()), 4),
        "estimated": round(float(value.mean()), 4),
        "mean_absolute_error": round(float(np.abs(value - real).mean()), 4),
        "in_interval": round(float(((low <= real) & (real <= high)).mean()), 3),
    }
