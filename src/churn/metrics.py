"""How good probabilities are, on labelled rows; plain numpy, the same bits on every machine.

Definitions follow scikit-learn's functions of the same names, which the tests hold these against.
Each metric is computed for many weightings of the rows at once: all ones gives its value, the
counts of bootstrap resamples give its distribution (`churn.bootstrap`).
"""

from __future__ import annotations

from functools import cached_property

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
# The threshold that says: call nobody.
NOBODY = 1.0


class Ranking:
    """Labelled rows sorted by score, the highest first.

    Args:
        labels: (n,), 1 for churners, 0 for others.
        scores: (n,) probabilities.

    Attributes:
        order: numbers of the rows, the one with the highest score first; (n,).
        labels, scores: in that order.
    """

    def __init__(self, labels: Floats, scores: Floats) -> None:
        self.order = np.argsort(-scores, kind="stable")
        self.labels = labels[self.order]
        self.scores = scores[self.order]
        # Where each run of equal scores begins, and n: rows of equal score are called together.
        starts = np.flatnonzero(np.diff(self.scores, prepend=np.inf) != 0)
        self._bounds = np.append(starts, len(labels))

    def measure(self, threshold: float, weights: Floats | None = None) -> dict[str, Floats]:
        """Every metric, for each weighting.

        Args:
            threshold: decision threshold, for accuracy, precision, recall and F1.
            weights: (k, n) how often each row counts, whole numbers, in the order in which the rows
                were given; None for one weighting of all ones. A weighting without a churner gives
                NaN.
        Returns:
            by name, (k,).
        """
        given = np.ones((1, len(self.order))) if weights is None else weights
        # weights[:, order] would lay memory out the other way round: slow, and other last bits.
        ranked = np.take(given, self.order, axis=1)
        counts = _Counts(ranked, self.labels)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                **decided(*self._cells(threshold, counts)),
                **self._ranked(counts),
                **self._probable(ranked, counts.total),
                "top_decile_lift": self._lift(counts),
            }

    def confusion(self, threshold: float) -> dict[str, int]:
        """Counts of true and false positives and negatives at the threshold."""
        counts = _Counts(np.ones((1, len(self.order))), self.labels)
        cells = self._cells(threshold, counts)
        return {name: int(cell[0]) for name, cell in zip(CELLS, cells, strict=True)}

    def curve(self) -> tuple[Floats, Floats, Floats]:
        """Churners found, customers called, and score, at every distinct score; each (k,)."""
        ends = self._bounds[1:]
        return np.cumsum(self.labels)[ends - 1], ends.astype(np.float64), self.scores[ends - 1]

    def _cells(self, threshold: float, counts: _Counts) -> tuple[Floats, ...]:
        edge = np.array([(self.scores >= threshold).sum()])
        hits, called = counts.found(edge)[:, 0], counts.called(edge)[:, 0]
        missed = counts.churners - hits
        return hits, called - hits, missed, counts.total - called - missed

    def _ranked(self, counts: _Counts) -> dict[str, Floats]:
        # Runs of equal scores that hold no churner add nothing to either sum.
        runs = np.flatnonzero(np.diff(counts.churners_before[self._bounds]))
        first, last = self._bounds[runs], self._bounds[runs + 1]
        found_before, found = counts.found(first), counts.found(last)
        called_before, called = counts.called(first), counts.called(last)
        positive, negatives = found - found_before, counts.total - counts.churners
        # Of the others in a churner's own run, half are beaten.
        ahead = (called_before - found_before + called - found) / 2
        beaten = (positive * (negatives[:, None] - ahead)).sum(axis=1)
        precise = (positive * (found / np.maximum(called, 1))).sum(axis=1)
        return {
            "roc_auc": beaten / (counts.churners * negatives),
            "pr_auc": precise / counts.churners,
        }

    def _probable(self, ranked: Floats, total: Floats) -> dict[str, Floats]:
        errors = self.scores - self.labels
        gaps = np.add.reduceat(ranked * errors, self._bin_starts, axis=1)
        return {
            "log_loss": (ranked * self._losses).sum(axis=1) / total,
            "brier": (ranked * errors**2).sum(axis=1) / total,
            "calibration_error": np.abs(gaps).sum(axis=1) / total,
        }

    def _lift(self, counts: _Counts) -> Floats:
        top = np.maximum(1, np.rint(counts.total / 10))
        # Of rows of equal score across the edge of the tenth, the average counts.
        run = np.searchsorted(self._bounds, counts.reach(top))
        first, last = self._bounds[run - 1][:, None], self._bounds[run][:, None]
        called_before, called = counts.called(first), counts.called(last)
        found_before, found = counts.found(first), counts.found(last)
        share = (top[:, None] - called_before) / (called - called_before)
        hits = (found_before + share * (found - found_before))[:, 0]
        return hits / top / (counts.churners / counts.total)

    @cached_property
    def _losses(self) -> Floats:
        return log_losses(self.labels, self.scores)

    @cached_property
    def _bin_starts(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(bin_numbers(self.scores), prepend=BINS) != 0)


class _Counts:
    """How many customers, and how many churners, stand before each place of a ranking.

    Args:
        ranked: (k, n) weights in the order of the ranking.
        labels: (n,) in that order.

    Attributes:
        churners_before: unweighted, at each of the n + 1 places; (n + 1,).
        total, churners: weighted, of all rows; (k,).
    """

    def __init__(self, ranked: Floats, labels: Floats) -> None:
        self.churners_before = np.append(0, np.cumsum(labels)).astype(np.int64)
        self._called = _running(ranked)
        # Churners are few: counting only them saves most of the work.
        self._found = _running(np.take(ranked, np.flatnonzero(labels), axis=1))
        self.total, self.churners = self._called[:, -1], self._found[:, -1]

    def called(self, places: NDArray[np.int64]) -> Floats:
        """Customers before each place; (g,), or (k, g) if they differ by weighting → (k, g)."""
        return _at(self._called, places)

    def found(self, places: NDArray[np.int64]) -> Floats:
        """Churners before each place, likewise."""
        return _at(self._found, self.churners_before[places])

    def reach(self, wanted: Floats) -> NDArray[np.int64]:
        """The first place before which there are `wanted` customers, at most n; (k,) → (k,)."""
        return np.minimum((self._called < wanted[:, None]).sum(axis=1), self._called.shape[1] - 1)


def _running(counts: Floats) -> Floats:
    """Sums of the first 0, 1, …, m columns; (k, m) → (k, m + 1)."""
    sums = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums


def _at(sums: Floats, places: NDArray[np.int64]) -> Floats:
    if places.ndim == 1:
        return np.take(sums, places, axis=1)
    return np.take_along_axis(sums, places, axis=1)


def decided(hits: Floats, alarms: Floats, missed: Floats, right: Floats) -> dict[str, Floats]:
    """Metrics of decisions; precision is 0 where nobody is called.

    hits, alarms, missed, right: true and false positives, false and true negatives, (k,) → (k,);
    hits + alarms are whole numbers.
    """
    called, churners = hits + alarms, hits + missed
    return {
        "accuracy": (hits + right) / (called + missed + right),
        "precision": hits / np.maximum(called, 1),
        "recall": hits / churners,
        "f1": 2 * hits / (called + churners),
    }


def log_losses(labels: Floats, scores: Floats) -> Floats:
    """How far each score is from its outcome, in nats; labels, scores (n,) → (n,)."""
    clipped = np.clip(scores, CLIP, 1 - CLIP)
    return -exact.log(np.where(labels == 1, clipped, 1 - clipped))


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


def expected(scores: Floats, threshold: float) -> dict[str, float]:
    """Recall and ROC-AUC that the scores themselves lead to expect, were they true probabilities.

    For ROC-AUC this is the model-based concordance (van Klaveren et al., 2016).

    Args:
        scores: probabilities, (n,) with n > 1, not all 0 and not all 1.
        threshold: decision threshold, for recall.
    """
    ranked = np.sort(scores)
    stays = 1 - ranked
    first, last = (np.searchsorted(ranked, ranked, side) for side in ("left", "right"))
    before = np.append(0, np.cumsum(stays))
    # Of equal scores half are beaten; nobody is compared with themselves.
    beaten = before[first] + (before[last] - before[first] - stays) / 2
    return {
        "roc_auc": float((ranked * beaten).sum() / (ranked * (before[-1] - stays)).sum()),
        "recall": float(scores[scores >= threshold].sum() / scores.sum()),
    }


def best_f1_threshold(labels: Floats, scores: Floats) -> float:
    """The score with the best F1, the highest of equals.

    labels, scores: (n,); labels may be probabilities, for the best one to expect.
    """
    found, called, threshold = Ranking(labels, scores).curve()
    return float(threshold[np.argmax(2 * found / (called + labels.sum()))])


def best_profit_threshold(labels: Floats, scores: Floats, gain: float, cost: float) -> float:
    """The score from which calling customers pays most, the highest of equals.

    Args:
        labels, scores: (n,); labels may be probabilities, for the best one to expect.
        gain: what calling a churner brings.
        cost: of calling one customer, churner or not.
    Returns:
        one of the scores, or 1 where calling nobody is at least as good as any of them (a customer
        whose score is exactly 1 is then called all the same).
    """
    found, called, threshold = Ranking(labels, scores).curve()
    profit = gain * found - cost * called
    best = np.argmax(profit)
    return float(threshold[best]) if profit[best] > 0 else NOBODY


def lowest_threshold_at_precision(labels: Floats, scores: Floats, precision: float) -> float | None:
    """The lowest score from which at least this share of the customers called are churners.

    Args:
        labels, scores: (n,).
        precision: the share; the precision of higher thresholds may be below it.
    Returns:
        one of the scores, or None where no threshold reaches the precision.
    """
    found, called, threshold = Ranking(labels, scores).curve()
    reached = threshold[found / called >= precision]
    return float(reached[-1]) if len(reached) else None
