"""Quality before the outcomes are known, from the probabilities themselves.

Confidence-based performance estimation (NannyML's CBPE): a customer of probability p who is flagged
is a true positive with chance p and a false one with chance 1 - p. Summed over the customers that
gives the confusion matrix to be expected, and its accuracy, precision, recall and F1; ROC-AUC is
that of a ranking in which every customer is a churner with weight p and another with weight 1 - p.

Its limits: it takes the probabilities at their word. It sees what other customers do to the quality
(covariate shift), and nothing of customers who behave otherwise than they did (concept drift): if
the same kind of customer now leaves twice as often, the estimate stays as it was. Scores that
are not calibrated, or not for these customers, make it wrong by as much; how well calibrated they
are can therefore not be estimated in this way. Only outcomes tell (`churn.quality`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import metrics
from churn.bootstrap import PORTION, interval
from churn.metrics import BINS, Floats, bin_numbers

Flags = NDArray[np.bool_]

# Of fewer customers, the interval would be too wide to say anything.
LEAST = 100
# Churners, and others, that must be expected at least.
LEAST_OF_EACH_CLASS = 5
RESAMPLES, SEED = 500, 0


@dataclass(frozen=True)
class Estimate:
    """A metric to expect, and where it will lie 95 % of the time if the probabilities are right."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimated:
    """Quality to be expected.

    Attributes:
        n: number of customers.
        metrics: accuracy, precision, recall, f1 and roc_auc; None of too few customers.
        reason: why there are none; None where there are.
    """

    n: int
    metrics: Mapping[str, Estimate] | None
    reason: str | None

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def estimate(scores: Floats, decisions: Flags) -> Estimated:
    """Expected quality of decisions whose outcomes are not known yet.

    Args:
        scores: calibrated probabilities (n,).
        decisions: who was flagged (n,).
    """
    n, churners = len(scores), float(scores.sum())
    if n < LEAST:
        return Estimated(n, None, f"{n} customers; an estimate needs {LEAST}")
    if min(churners, n - churners) < LEAST_OF_EACH_CLASS:
        rarer = "churners" if churners < n - churners else "customers who stay"
        return Estimated(n, None, f"fewer than {LEAST_OF_EACH_CLASS} {rarer} expected")
    drawn = simulated(scores, decisions)
    return Estimated(
        n,
        {name: Estimate(v, *interval(drawn[name])) for name, v in _expected(scores, decisions)},
        None,
    )


def _expected(scores: Floats, decisions: Flags) -> Iterator[tuple[str, float]]:
    hits, churners = scores[decisions].sum(), scores.sum()
    flagged, n = decisions.sum(), len(scores)
    cells = hits, flagged - hits, churners - hits, n - flagged - churners + hits
    decided = metrics.decided(*(np.array([cell]) for cell in cells))
    yield from ((name, float(value[0])) for name, value in decided.items())
    # The threshold does not matter for ROC-AUC.
    yield "roc_auc", metrics.expected(scores, 1.0)["roc_auc"]


def simulated(scores: Floats, decisions: Flags) -> dict[str, Floats]:
    """Metrics under outcomes drawn from the probabilities, as often as `RESAMPLES`.

    The number of churners is Poisson-binomial; so is every cell of the confusion matrix.

    Args:
        scores: probabilities (n,).
        decisions: who was flagged (n,).
    Returns:
        by name, (resamples,), the calibration error of true probabilities among them; NaN for
        recall and ROC-AUC where a draw has churners only, or none.
    """
    sums = _weights(scores, decisions)
    found = np.concatenate([outcomes @ sums for outcomes in _outcomes(scores)])
    hits, churners, ranks, by_bin = found[:, 0], found[:, 1], found[:, 2], found[:, 3:]
    n, flagged = len(scores), float(decisions.sum())
    others = n - churners
    expected = np.bincount(bin_numbers(scores), scores, BINS)
    with np.errstate(invalid="ignore", divide="ignore"):
        cells = hits, flagged - hits, churners - hits, others - flagged + hits
        return {
            **metrics.decided(*cells),
            "roc_auc": (ranks - churners * (churners + 1) / 2) / (churners * others),
            "calibration_error": np.abs(expected - by_bin).sum(axis=1) / n,
        }


def _weights(scores: Floats, decisions: Flags) -> Floats:
    """What a churner adds to hits, churners, the sum of ranks and each bin; (n, 3 + bins).

    All are halves of whole numbers, so sums over churners are exact in any order: a matrix product
    gives the same bits however many threads share it.
    """
    ordered = np.sort(scores)
    first, last = (np.searchsorted(ordered, scores, side) for side in ("left", "right"))
    return np.column_stack(
        [decisions, np.ones(len(scores)), (first + last + 1) / 2, np.eye(BINS)[bin_numbers(scores)]]
    )


def _outcomes(scores: Floats) -> Iterator[Floats]:
    """Outcomes drawn from the probabilities, portion by portion, each (portion, n)."""
    rng, portion = np.random.default_rng(SEED), max(1, PORTION // len(scores))
    for start in range(0, RESAMPLES, portion):
        size = min(portion, RESAMPLES - start)
        yield (rng.random((size, len(scores))) < scores).astype(np.float64)
