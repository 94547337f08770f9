"""Everything that the drift stage finds out, together: `reports/drift.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from churn.columns import Columns
from churn.drift import Comparison, compare
from churn.estimation import Estimated, estimate
from churn.metrics import Floats
from churn.quality import METRICS, Quality, quality
from churn.reference import Reference
from churn.settings import DriftSettings


@dataclass(frozen=True)
class Scored:
    """What the model says of some customers.

    Attributes:
        n: how many they are.
        mean: mean probability.
        flagged: share at or above the decision threshold.
    """

    n: int
    mean: float
    flagged: float


@dataclass(frozen=True)
class Baseline:
    """The customers held out when the model was made: their scores (n,), and each metric."""

    scores: Floats
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class DriftReport:
    """How the current customers differ from those before, and what that does to the model.

    Attributes:
        comparison: current customers against those the model learnt from.
        held_out, current: what it says of the customers held out, and of the current ones.
        baseline: each of `quality.METRICS` on the customers held out.
        quality: the same on current customers with a known outcome; None where they are too few.
        estimated: what it is expected to be on all current customers.
    """

    comparison: Comparison
    held_out: Scored
    current: Scored
    baseline: Mapping[str, float]
    quality: Quality | None
    estimated: Estimated

    def summary(self) -> dict[str, Any]:
        """What `reports/drift.json` holds."""
        return {
            **self.comparison.summary(),
            "score": {"held_out": asdict(self.held_out), "current": asdict(self.current)},
            "quality": self.quality and self.quality.summary(),
            "estimated": self.estimated.summary(),
        }


def report(
    columns: Columns,
    scores: Floats,
    labels: Floats,
    threshold: float,
    reference: Reference,
    baseline: Baseline,
    settings: DriftSettings,
) -> DriftReport:
    """Compare current customers with those before.

    Args:
        columns: the contract's columns of the current customers, each (n,) with n > 0.
        scores: their probabilities (n,).
        labels: 1 for churners, 0 for others, NaN where not known yet; (n,).
        threshold: decision threshold of the bundle.
        reference: bins of the training rows.
        baseline: scores and metrics of the customers held out.
        settings: the `drift` group.
    """
    flagged, before = scores >= threshold, {m: baseline.metrics[m] for m in METRICS}
    return DriftReport(
        comparison=compare(columns, scores, reference, settings),
        held_out=_scored(baseline.scores, threshold),
        current=_scored(scores, threshold),
        baseline=before,
        quality=quality(labels, scores, flagged, before, settings.max_fall),
        estimated=estimate(scores, flagged),
    )


def _scored(scores: Floats, threshold: float) -> Scored:
    return Scored(len(scores), float(scores.mean()), float((scores >= threshold).mean()))
