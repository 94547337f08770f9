"""What a retention campaign led by the scores is worth.

Contacting a customer costs `offer_cost`. A churner contacted stays with probability `acceptance`,
and then brings `margin` for `months_kept`; nobody else changes. An offer to a customer who leaves
with probability p is therefore worth p · acceptance · margin · months_kept - offer_cost, which is
no loss from the break-even probability on. Nothing is chosen on the rows that are measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from churn.metrics import Ranking
from churn.settings import MoneySettings

Floats = NDArray[np.float64]
N = TypeVar("N", float, Floats)

# Money is told for so many customers, whatever the number of rows it is measured on.
PER = 10_000
# Points of the curve: as many as a chart can show.
POINTS = 200
# Draws held in memory at once, 16 MB of them.
PORTION = 2_000_000


@dataclass(frozen=True)
class Campaign:
    """A campaign measured on held-out customers: who is contacted, and what it is worth.

    Attributes:
        money: the assumptions.
        break_even: probability from which a customer is contacted; above 1 an offer never pays.
        n, churners: customers measured, and how many of them left.
        contacted, churners_contacted: those at or above break-even.
        profit: of contacting these, for `PER` customers in one span of the outcome.
        profit_of_everybody: the same for contacting everybody; that of nobody is 0.
        saving: `profit` a year.
        interval: 95 % percentile bootstrap interval of `saving` (Efron, 1979).
        curve: `share_contacted` and `profit_per_10000` in one span of the outcome, the riskiest
            customers first; each (k,), k up to `POINTS` + 1, from nobody to everybody.
    """

    money: MoneySettings
    break_even: float
    n: int
    churners: int
    contacted: int
    churners_contacted: int
    profit: float
    profit_of_everybody: float
    saving: float
    interval: tuple[float, float]
    curve: Mapping[str, Floats]

    @property
    def share_contacted(self) -> float:
        """Share of the customers measured."""
        return self.contacted / self.n

    @property
    def churn_rate(self) -> float:
        """Share of the customers who left, without a campaign."""
        return self.churners / self.n

    @property
    def churn_rate_after(self) -> float:
        """Share who would have left with it."""
        return (self.churners - self.money.acceptance * self.churners_contacted) / self.n

    @property
    def verdict(self) -> str:
        """Whom to contact, in one sentence."""
        if self.break_even > 1:
            cost, gain = self.money.offer_cost, gain_per_churner(self.money)
            return (
                f"Contact nobody: an offer costs {cost:,.12g} {self.money.currency}, and even a "
                f"churner who gets it brings only {gain:,.12g}."
            )
        bound = f"{self.break_even * 100:.3g}%"
        return f"Contact customers whose probability of churn is at least {bound}."

    def summary(self) -> dict[str, Any]:
        """All but the curve, as plain data."""
        return {
            "assumptions": self.money.model_dump(),
            "verdict": self.verdict,
            "break_even": self.break_even,
            "n": self.n,
            "churners": self.churners,
            "contacted": self.contacted,
            "churners_contacted": self.churners_contacted,
            "share_contacted": self.share_contacted,
            "churn_rate": {"before": self.churn_rate, "after": self.churn_rate_after},
            "profit_per_10000": {
                "break_even": self.profit,
                "everybody": self.profit_of_everybody,
                "nobody": 0.0,
            },
            "saving_per_10000_a_year": {"value": self.saving, "interval": [*self.interval]},
        }


def gain_per_churner(money: MoneySettings) -> float:
    """What contacting a churner brings on average, `offer_cost` not yet taken off."""
    return money.acceptance * money.margin * money.months_kept


def break_even(money: MoneySettings) -> float:
    """Probability of churn from which contacting is no loss; above 1 it always is one."""
    return money.offer_cost / gain_per_churner(money)


def campaign(
    labels: Floats, scores: Floats, money: MoneySettings, resamples: int, seed: int
) -> Campaign:
    """Measure the campaign that contacts everyone from break-even on.

    Args:
        labels: (n,) with n > 0, 1 for churners, 0 for others.
        scores: (n,) their calibrated probabilities.
        money: the assumptions.
        resamples: of the bootstrap: how often n rows are drawn with replacement.
        seed: of the draws.
    """
    bound, rows, churners = break_even(money), len(labels), int(labels.sum())
    called = scores >= bound
    contacted, found = int(called.sum()), int(labels[called].sum())
    a_year = 12 / money.outcome_months
    counts = _resampled(found, contacted, rows, resamples, seed)
    low, high = np.quantile(_profit(*counts, rows, money), [0.025, 0.975])
    profit = _profit(float(found), float(contacted), rows, money)
    return Campaign(
        money=money,
        break_even=bound,
        n=rows,
        churners=churners,
        contacted=contacted,
        churners_contacted=found,
        profit=profit,
        profit_of_everybody=_profit(float(churners), float(rows), rows, money),
        saving=profit * a_year,
        interval=(float(low) * a_year, float(high) * a_year),
        curve=_curve(labels, scores, money),
    )


def _profit(found: N, contacted: N, rows: int, money: MoneySettings) -> N:
    """Profit for `PER` customers, where of `rows` so many are contacted, `found` of them churners.

    found, contacted: two numbers, or two arrays of the shape that the result then has.
    """
    return (found * gain_per_churner(money) - contacted * money.offer_cost) * (PER / rows)


def _curve(labels: Floats, scores: Floats, money: MoneySettings) -> dict[str, Floats]:
    found, called, _ = Ranking(labels, scores).curve()
    rows = len(labels)
    # The first point at or beyond each of equally spaced shares; whole numbers, hence exact.
    targets = -(-rows * np.arange(1, POINTS + 1) // POINTS)
    points = np.unique(np.searchsorted(called, targets))
    found, called = np.append(0, found[points]), np.append(0, called[points])
    return {
        "share_contacted": called / rows,
        "profit_per_10000": _profit(found, called, rows, money),
    }


def _resampled(
    found: int, contacted: int, rows: int, resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """Churners contacted and customers contacted in each resample of the rows; each (resamples,).

    As only these are counted, it does not matter which row is which: row numbers below `found`
    stand for the churners contacted, those from there to `contacted` for the others contacted.
    """
    rng, drawn = np.random.default_rng(seed), []
    portion = max(1, PORTION // rows)
    for start in range(0, resamples, portion):
        picks = rng.integers(rows, size=(min(portion, resamples - start), rows))
        drawn.append(np.stack([(picks < bound).sum(axis=1) for bound in (found, contacted)]))
    hits, calls = np.concatenate(drawn, axis=1).astype(np.float64)
    return hits, calls
