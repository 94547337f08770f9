"""The bootstrap (Efron, 1979): how far chance alone moves a metric, or a difference of two.

n rows are drawn with replacement, many times over, and everything is measured on every draw. What
is to be compared is measured under the same draws, so that a difference is paired: what the two
have in common, chance included, cancels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from churn.metrics import Floats, Ranking

# Cells of the matrix of draws in memory at a time: with what is computed from them some 50 MB.
PORTION = 500_000


class Sample:
    """Rows on which metrics are measured under resample weights.

    Args:
        labels: (n,), 1 for churners, 0 for others.
        scores: (n,) probabilities.
        threshold: decision threshold.
        rows: numbers of the rows that belong to the sample, (m,); None for all n.
        means: by name, a value of each of the n rows, (n,), whose mean over the sample is measured
            beside the metrics.
    """

    def __init__(
        self,
        labels: Floats,
        scores: Floats,
        threshold: float,
        rows: NDArray[np.int64] | None = None,
        means: Mapping[str, Floats] | None = None,
    ) -> None:
        self._rows = rows
        self._threshold = threshold
        self._ranking = Ranking(self._own(labels), self._own(scores))
        self._size = len(labels) if rows is None else len(rows)
        self._means = {name: self._own(values) for name, values in (means or {}).items()}

    def measure(self, weights: Floats | None = None) -> dict[str, Floats]:
        """Every metric and mean.

        Args:
            weights: (k, n) how often each row counts; None for one weighting of all ones.
        Returns:
            by name, (k,).
        """
        own = np.ones((1, self._size)) if weights is None else self._own(weights)
        with np.errstate(invalid="ignore"):
            means = {n: (own * v).sum(axis=1) / own.sum(axis=1) for n, v in self._means.items()}
        return {**self._ranking.measure(self._threshold, own), **means}

    def _own(self, values: Floats) -> Floats:
        return values if self._rows is None else np.take(values, self._rows, axis=-1)


def resampled(
    samples: Sequence[Sample], rows: int, resamples: int, seed: int
) -> list[dict[str, Floats]]:
    """Measure every sample on the same draws.

    Args:
        samples: of the same n rows.
        rows: n.
        resamples: how often n rows are drawn with replacement.
        seed: of the draws.
    Returns:
        for each sample by metric its values, (resamples,); NaN where a draw has no churner of the
        sample, or nobody else.
    """
    found: list[dict[str, list[Floats]]] = [{} for _ in samples]
    for weights in _drawn(rows, resamples, seed):
        for sample, portions in zip(samples, found, strict=True):
            for name, values in sample.measure(weights).items():
                portions.setdefault(name, []).append(values)
    return [{name: np.concatenate(ones) for name, ones in one.items()} for one in found]


def _drawn(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each row was drawn, portion by portion, each (portion, rows)."""
    rng, portion = np.random.default_rng(seed), max(1, PORTION // rows)
    for start in range(0, resamples, portion):
        size = min(portion, resamples - start)
        picks = rng.integers(rows, size=(size, rows)) + np.arange(size)[:, None] * rows
        counts = np.bincount(picks.ravel(), minlength=size * rows)
        yield counts.reshape(size, rows).astype(np.float64)


def interval(values: Floats) -> tuple[float, float]:
    """95 % percentile interval of resampled values (resamples,), NaN left out."""
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def standard_score(difference: float, values: Floats, least: float = 0) -> float:
    """A difference in units of its standard deviation over the resamples.

    Args:
        difference: as measured.
        values: the same of each resample, (resamples,), NaN left out.
        least: what the standard deviation is taken to be at least.
    Returns:
        0 for no difference, infinite for one that is the same in every resample.
    """
    spread = max(float(np.nanstd(values)), least)
    if difference == 0:
        return 0.0
    return difference / spread if spread else float(np.copysign(np.inf, difference))


def significant(scores: Floats, tail: float) -> NDArray[np.bool_]:
    """Which of several standard scores are too high for chance: Holm's step-down (1979).

    The chance of calling even one of them significant that is not is at most `tail`. The highest is
    held against the normal quantile of tail / m, the next against tail / (m - 1), and so on, up to
    the first that falls short.

    Args:
        scores: (m,).
        tail: chance of a false alarm, over all of them.
    Returns:
        (m,).
    """
    order, found = np.argsort(-scores, kind="stable"), np.zeros(len(scores), dtype=bool)
    for place, number in enumerate(order):
        if scores[number] <= NormalDist().inv_cdf(1 - tail / (len(scores) - place)):
            break
        found[number] = True
    return found
