"""Evaluation of a bundle on rows that it has never seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import leaks, metrics
from churn.columns import Columns
from churn.importance import Importances, importances
from churn.leaks import Alarm, Side
from churn.money import Campaign, campaign
from churn.scoring import Scorer
from churn.settings import EvaluateSettings
from churn.slices import Sliced, sliced

Floats = NDArray[np.float64]
# Metrics that need no threshold: those in which the true probabilities are the ceiling.
THRESHOLD_FREE = ("roc_auc", "pr_auc", "log_loss", "brier")
# Points of a curve: as many as a chart can show.
POINTS = 400


@dataclass(frozen=True)
class Evaluation:
    """Quality on the test rows.

    Attributes:
        bundle_sha256: of the bundle that was measured.
        metrics: each with the rows it stands on; under `ceiling` the score of the true
            probabilities where they are known.
        threshold: decision threshold of the bundle.
        calibration: method of the bundle; `none` leaves the trees' own probabilities.
        confusion: counts of true and false positives and negatives.
        calibration_error: before and after calibration; the same where there is none.
        sliced: metrics with intervals on the whole and on each slice.
        campaign: what a retention campaign led by the scores is worth.
        importances: how much each input matters.
        alarms: signs of leaks.
        curves: by name, the columns of each.
    """

    bundle_sha256: str
    metrics: Mapping[str, Any]
    threshold: float
    calibration: str
    confusion: Mapping[str, int]
    calibration_error: Mapping[str, float]
    sliced: Sliced
    campaign: Campaign
    importances: Importances
    alarms: tuple[Alarm, ...]
    curves: Mapping[str, Columns]

    @property
    def intervals(self) -> Mapping[str, tuple[float, float]]:
        """95 % bootstrap interval of each metric."""
        found = self.sliced.whole.intervals
        return {name: found[name] for name in self.metrics if name in found}

    def details(self) -> dict[str, Any]:
        """What `reports/evaluation.json` holds, beside the metrics."""
        return {
            "bundle_sha256": self.bundle_sha256,
            "threshold": self.threshold,
            "confusion": dict(self.confusion),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "calibration_error": dict(self.calibration_error),
            "money": self.campaign.summary(),
            "leaks": [asdict(alarm) for alarm in self.alarms],
            "importance": self.importances.summary(),
            "slices": [one.summary() for one in self.sliced.slices],
        }


def evaluate(
    scorer: Scorer,
    columns: Columns,
    train: Side,
    test: Side,
    truth: Floats | None,
    settings: EvaluateSettings,
) -> Evaluation:
    """Measure a bundle on labelled rows.

    Args:
        scorer: of the bundle.
        columns: the contract's columns of the test rows, each (n,).
        train, test: model inputs and outcomes of both sides; the training rows are looked at for
            leaks only.
        truth: true probabilities (n,) where a generator knows them: the best any model could do.
        settings: the `evaluate` group.
    """
    manifest, labels = scorer.bundle.manifest, test.labels
    scores, before = scorer.probabilities(columns), scorer.uncalibrated(columns)
    threshold = manifest.threshold
    found: dict[str, Any] = {**metrics.measured(labels, scores, threshold)}
    raw = metrics.measured(labels, before, threshold)
    if truth is not None:
        best = metrics.measured(labels, truth, threshold)
        found["ceiling"] = {name: best[name] for name in THRESHOLD_FREE}
    worth = campaign(labels, scores, settings.money, settings.resamples, settings.seed)
    matter = importances(scorer, columns)
    return Evaluation(
        bundle_sha256=scorer.bundle.sha256,
        metrics=found,
        threshold=threshold,
        calibration=manifest.calibration.method,
        confusion=metrics.Ranking(labels, scores).confusion(threshold),
        calibration_error={
            "before": raw["calibration_error"],
            "after": found["calibration_error"],
        },
        sliced=sliced(columns, labels, scores, threshold, manifest.contract, settings),
        campaign=worth,
        importances=matter,
        alarms=leaks.alarms(train, test, settings.leaks),
        curves={
            **_curves(labels, scores),
            "calibration": _reliability(labels, scores),
            "uncalibrated": _reliability(labels, before),
            "profit": worth.curve,
            "importance": {
                "input": np.array([one.input for one in matter.inputs], dtype=object),
                "strength": np.array([one.strength for one in matter.inputs]),
            },
        },
    )


def _curves(labels: Floats, scores: Floats) -> dict[str, Columns]:
    found, called, threshold = metrics.Ranking(labels, scores).curve()
    rows, churners = len(labels), labels.sum()
    shown = np.unique(np.linspace(0, len(found) - 1, POINTS).astype(np.int64))
    found, called, threshold = found[shown], called[shown], threshold[shown]
    true_rate, false_rate = found / churners, (called - found) / (rows - churners)
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
        "lift": {
            "share_of_customers": np.append(0, called / rows),
            "share_of_churners": np.append(0, true_rate),
        },
    }


def _reliability(labels: Floats, scores: Floats) -> Columns:
    mean, share, rows = metrics.reliability(labels, scores)
    return {"predicted": mean, "observed": share, "n": rows}
