"""The decision threshold: the probability from which a customer is called a churner."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn import calibrating, exact, metrics
from churn.errors import PrecisionOutOfReach
from churn.money import gain_per_churner
from churn.settings import (
    DecisionSettings,
    F1Decision,
    FixedDecision,
    MoneySettings,
    ProfitDecision,
)

Floats = NDArray[np.float64]
# Log-odds of a score of 0 or 1 would be infinite.
SMALLEST = 1e-15


def threshold(
    labels: Floats, scores: Floats, settings: DecisionSettings, money: MoneySettings
) -> float:
    """Choose it on out-of-fold predictions, by outcomes smoothed as `_expected` says.

    Args:
        labels: (n,), 1 for churners.
        scores: calibrated probabilities, out of fold, (n,).
        settings: the `decision` group.
        money: assumptions of the campaign, for `profit`.
    Raises:
        PrecisionOutOfReach: none can be expected to be as precise as `recall_at_precision` asks.
    """
    if isinstance(settings, FixedDecision):
        return settings.threshold
    if isinstance(settings, F1Decision):
        return metrics.best_f1_threshold(_expected(labels, scores), scores)
    if isinstance(settings, ProfitDecision):
        gain = gain_per_churner(money)
        cost = money.offer_cost
        return metrics.best_profit_threshold(_expected(labels, scores), scores, gain, cost)
    expected = _expected(labels, scores)
    found = metrics.lowest_threshold_at_precision(expected, scores, settings.precision)
    if found is None:
        hits, called, _ = metrics.Ranking(expected, scores).curve()
        raise PrecisionOutOfReach(settings.precision, float((hits / called).max()))
    return found


def _expected(labels: Floats, scores: Floats) -> Floats:
    """Outcomes smoothed by a logistic fit on the scores' log-odds, (n,).

    The threshold that was best for the outcomes as they fell jumps from one sample of the same
    customers to the next; that of the smooth ones hardly moves, and does no worse on others.
    """
    odds = np.clip(scores, SMALLEST, 1 - SMALLEST)
    log_odds = exact.log(odds / (1 - odds))
    return calibrating.fit("sigmoid", log_odds, labels).probabilities(log_odds)
