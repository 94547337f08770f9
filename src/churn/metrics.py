"""How good probabilities are, on labelled rows; plain numpy, the same bits on every machine.

Definitions follow scikit-learn's functions of the same names, which the tests hold these against.
Each metric is computed for many weightings of the rows at once: all ones gives its value, the
counts of bootstrap resamples give its distribution.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from churn import exact

Floats = NDArray[np.float64]

# Bins of the reliability curve and the calibration error.
BINS = 10
# A probability of 0 or 1 would make the log loss infinite.
CLIP = 1e-15
# Metrics for which less is better.
LOSSES = ("log_loss", "brier", "calibration_error")
CELLS = ("true_positives", "false_positives", "false_negatives", "true_negatives")


class Ranking:
    """Labelled rows sorted by score, the highest first.

    Args:
        labels: (n,), 1 for churners, 0 for others.
        scores: (n,) probabilities.
    """

    def __init__(self, labels: Floats, scores: Floats) -> None:
        order = np.argsort(-scores, kind="stable")
        self.labels = labels[order]
        self.scores = scores[order]
        # Where each run of equal scores begins: rows of equal score are called together.
        self._ties = np.flatnonzero(np.diff(self.scores, prepend=np.inf) != 0)

    def measure(self, threshold: float, weights: Floats | None = None) -> dict[str, Floats]:
        """Every metric, for each weighting.

        Args:
            threshold: decision threshold, for accuracy, precision, recall and F1.
            weights: (k, n) how often each row counts, in the order of the ranking; None for one
                weighting of all ones. A weighting without a churner gives NaN.
        Returns:
            by name, (k,).
        """
        weights = np.ones((1, len(self.labels))) if weights is None else weights
        churners = weights * self.labels
        cells = self._cells(threshold, weights, churners)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                **_decided(*cells),
                **self._ranked(weights, churners),
                **self._probable(weights),
                "top_decile_lift": self._lift(weights, churners),
            }

    def confusion(self, threshold: float) -> dict[str, int]:
        """Counts of true and false positives and negatives at the threshold."""
        ones = np.ones((1, len(self.labels)))
        cells = self._cells(threshold, ones, self.labels[None, :])
        return {name: int(cell[0]) for name, cell in zip(CELLS, cells, strict=True)}

    def curve(self) -> tuple[Floats, Floats, Floats]:
        """Churners found, customers called, and score, at every distinct score; each (k,)."""
        ends = np.append(self._ties[1:], len(self.labels)) - 1
        return np.cumsum(self.labels)[ends], ends + 1.0, self.scores[ends]

    def _cells(self, threshold: float, weights: Floats, churners: Floats) -> tuple[Floats, ...]:
        called = int((self.scores >= threshold).sum())
        hits = churners[:, :called].sum(axis=1)
        alarms = weights[:, :called].sum(axis=1) - hits
        missed = churners[:, called:].sum(axis=1)
        return hits, alarms, missed, weights[:, called:].sum(axis=1) - missed

    def _ranked(self, weights: Floats, churners: Floats) -> dict[str, Floats]:
        positive = np.add.reduceat(churners, self._ties, axis=1)
        called = np.add.reduceat(weights, self._ties, axis=1)
        negative = called - positive
        total, found = positive.sum(axis=1), np.cumsum(positive, axis=1)
        beaten = ((found - positive / 2) * negative).sum(axis=1)
        reached = np.maximum(np.cumsum(called, axis=1), 1)
        return {
            "roc_auc": beaten / (total * negative.sum(axis=1)),
            "pr_auc": (positive * (found / reached)).sum(axis=1) / total,
        }

    def _probable(self, weights: Floats) -> dict[str, Floats]:
        clipped = np.clip(self.scores, CLIP, 1 - CLIP)
        losses = -exact.log(np.where(self.labels == 1, clipped, 1 - clipped))
        errors = (self.scores - self.labels) ** 2
        gaps = weights * (self.scores - self.labels)
        starts = np.flatnonzero(np.diff(bin_numbers(self.scores), prepend=BINS) != 0)
        total = weights.sum(axis=1)
        return {
            "log_loss": (weights * losses).sum(axis=1) / total,
            "brier": (weights * errors).sum(axis=1) / total,
            "calibration_error": np.abs(np.add.reduceat(gaps, starts, axis=1)).sum(axis=1) / total,
        }

    def _lift(self, weights: Floats, churners: Floats) -> Floats:
        positive = np.add.reduceat(churners, self._ties, axis=1)
        called = np.add.reduceat(weights, self._ties, axis=1)
        total = called.sum(axis=1)
        top = np.maximum(1, np.rint(total / 10))
        room = top[:, None] - (np.cumsum(called, axis=1) - called)
        # Of rows of equal score across the edge of the tenth, the average counts.
        share = np.clip(room, 0, called) / np.maximum(called, 1)
        return (share * positive).sum(axis=1) / top / (positive.sum(axis=1) / total)


def _decided(hits: Floats, alarms: Floats, missed: Floats, right: Floats) -> dict[str, Floats]:
    called, churners = hits + alarms, hits + missed
    return {
        "accuracy": (hits + right) / (called + missed + right),
        "precision": np.where(called > 0, hits / called, 0.0),
        "recall": hits / churners,
        "f1": 2 * hits / (called + churners),
    }


def bin_numbers(scores: Floats) -> NDArray[np.int64]:
    """Which of the bins of equal width each score falls into; (n,) → (n,)."""
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def reliability(labels: Floats, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean score, share of churners, and number of rows in each filled bin; each (bins,)."""
    number = bin_numbers(scores)
    rows = np.bincount(number, minlength=BINS).astype(np.float64)
    filled = rows > 0
    mean = np.bincount(number, scores, BINS)[filled] / rows[filled]
    share = np.bincount(number, labels, BINS)[filled] / rows[filled]
    return mean, share, rows[filled]


def measured(labels: Floats, scores: Floats, threshold: float) -> dict[str, float]:
    """Every metric of one set of rows, beside its number of rows and of churners.

    labels, scores: (n,), both outcomes present. Calibration error is the expected one (Naeini et
    al., 2015) over bins of equal width; PR-AUC is average precision.
    """
    values = Ranking(labels, scores).measure(threshold)
    counts = {"n": len(labels), "churners": int(labels.sum())}
    return counts | {name: float(value[0]) for name, value in values.items()}


def best_f1_threshold(labels: Floats, scores: Floats) -> float:
    """The score with the best F1, the highest of equals; labels, scores (n,)."""
    found, called, threshold = Ranking(labels, scores).curve()
    return float(threshold[np.argmax(2 * found / (called + labels.sum()))])


def intervals(
    labels: Floats, scores: Floats, threshold: float, resamples: int, seed: int
) -> Mapping[str, tuple[float, float]]:
    """95 % percentile bootstrap interval of every metric (Efron, 1979).

    Args:
        labels, scores: (n,), both outcomes present.
        threshold: decision threshold.
        resamples: how often n rows are drawn with replacement.
        seed: of the draws.
    """
    ranking, rng, rows = Ranking(labels, scores), np.random.default_rng(seed), len(labels)
    drawn: dict[str, list[Floats]] = {}
    # In portions, so that memory stays near 200 MB at any number of rows.
    portion = max(1, 2_000_000 // rows)
    for start in range(0, resamples, portion):
        size = min(portion, resamples - start)
        picks = rng.integers(rows, size=(size, rows)) + np.arange(size)[:, None] * rows
        weights = np.bincount(picks.ravel(), minlength=size * rows).reshape(size, rows)
        for name, values in ranking.measure(threshold, weights.astype(np.float64)).items():
            drawn.setdefault(name, []).append(values)
    low_high = {n: np.nanquantile(np.concatenate(v), [0.025, 0.975]) for n, v in drawn.items()}
    return {name: (float(low), float(high)) for name, (low, high) in low_high.items()}
