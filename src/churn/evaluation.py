"""Evaluation of a bundle on rows that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import metrics
from churn.settings import EvaluateSettings

Floats = NDArray[np.float64]
# Metrics that need no threshold: those in which the true probabilities are the ceiling.
THRESHOLD_FREE = ("roc_auc", "pr_auc", "log_loss", "brier")


@dataclass(frozen=True)
class Evaluation:
    """Quality on the test rows.

    Attributes:
        metrics: each with the rows it stands on; under `ceiling` the score of the true
            probabilities where they are known.
        details: 95 % intervals, confusion matrix, threshold.
        curves: by name (`roc`, `precision_recall`, `calibration`), the columns of each.
    """

    metrics: Mapping[str, Any]
    details: Mapping[str, Any]
    curves: Mapping[str, Mapping[str, Floats]]


def evaluate(
    labels: Floats,
    scores: Floats,
    threshold: float,
    truth: Floats | None,
    settings: EvaluateSettings,
) -> Evaluation:
    """Measure probabilities on labelled rows.

    Args:
        labels, scores: of the test rows, each (n,).
        threshold: decision threshold of the bundle.
        truth: true probabilities (n,) where a generator knows them: the best any model could do.
        settings: the `evaluate` group.
    """
    found: dict[str, Any] = {**metrics.measured(labels, scores, threshold)}
    if truth is not None:
        best = metrics.measured(labels, truth, threshold)
        found["ceiling"] = {name: best[name] for name in THRESHOLD_FREE}
    spread = metrics.intervals(labels, scores, threshold, settings.resamples, settings.seed)
    details = {
        "threshold": threshold,
        "confusion": metrics.Ranking(labels, scores).confusion(threshold),
        "intervals": {name: list(bounds) for name, bounds in spread.items()},
    }
    return Evaluation(found, details, _curves(labels, scores))


def _curves(labels: Floats, scores: Floats) -> dict[str, Mapping[str, Floats]]:
    found, called, threshold = metrics.Ranking(labels, scores).curve()
    churners = labels.sum()
    true_rate, false_rate = found / churners, (called - found) / (len(labels) - churners)
    mean, share, rows = metrics.reliability(labels, scores)
    return {
        "roc": {
            "false_positive_rate": np.append(0, false_rate),
            "true_positive_rate": np.append(0, true_rate),
        },
        "precision_recall": {
            "recall": true_rate,
            "precision": found / called,
            "threshold": threshold,
        },
        "calibration": {"predicted": mean, "observed": share, "n": rows},
    }
