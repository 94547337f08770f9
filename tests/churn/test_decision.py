"""The decision threshold: of all thresholds that could be taken, it is the one that was asked for.

Every threshold that can tell the customers apart is one of their scores; all of them are tried.
"""

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from churn import metrics
from churn.calibrating import fit
from churn.decision import threshold
from churn.errors import PrecisionOutOfReach
from churn.settings import (
    F1Decision,
    FixedDecision,
    MoneySettings,
    ProfitDecision,
    RecallAtPrecision,
)

# 75 a churner who is called, 20 a call.
MONEY = MoneySettings(
    margin=25, offer_cost=20, acceptance=0.3, months_kept=10, outcome_months=1, currency="USD"
)
F1, PROFIT = F1Decision(method="f1"), ProfitDecision(method="profit")
quick = settings(deadline=None, max_examples=150)


def _precise(share):
    return RecallAtPrecision(method="recall_at_precision", precision=share)


@st.composite
def scored_customers(draw):
    """Outcomes, both of them present, and scores, some of them equal; (n,) and (n,)."""
    rows = draw(st.integers(2, 25))
    scores = draw(st.lists(st.integers(1, 19), min_size=rows, max_size=rows))
    labels = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    labels[:2] = True, False
    return np.array(labels, dtype=float), np.array(scores) / 20


TIED = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0.5, 0.5, 0.5, 0.5])
BACKWARDS = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.9, 0.8, 0.2, 0.1])


def _called(labels, scores, at):
    """Churners called and customers called at a threshold."""
    called = scores >= at
    return float(labels[called].sum()), float(called.sum())


def _f1(labels, scores, at):
    found, called = _called(labels, scores, at)
    return 2 * found / (called + labels.sum())


def _profit(labels, scores, at):
    found, called = _called(labels, scores, at)
    return 75 * found - 20 * called


def _precision(labels, scores, at):
    found, called = _called(labels, scores, at)
    return found / called


def _smoothed(labels, scores):
    log_odds = np.log(scores / (1 - scores))
    return fit("sigmoid", log_odds, labels).probabilities(log_odds)


@quick
@given(scored_customers())
@example(TIED)
@example(BACKWARDS)
def test_no_threshold_has_a_better_f1_by_the_smoothed_outcomes(rows):
    labels, scores = rows
    smoothed = _smoothed(labels, scores)

    chosen = threshold(labels, scores, F1, MONEY)

    assert chosen in scores
    best = max(_f1(smoothed, scores, at) for at in scores)
    assert _f1(smoothed, scores, chosen) == pytest.approx(best, rel=1e-9)


def test_a_threshold_for_f1_does_as_well_as_the_best_and_does_not_jump_between_samples():
    chosen, lost = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        scores = rng.beta(1, 3, 1000)
        labels = (rng.random(1000) < scores).astype(float)
        best = metrics.best_f1_threshold(labels, scores)
        chosen.append((threshold(labels, scores, F1, MONEY), best))
        lost.append(_f1(labels, scores, best) - _f1(labels, scores, chosen[-1][0]))

    smooth, raw = np.std(chosen, axis=0)
    assert smooth < 0.6 * raw
    assert 0 <= np.mean(lost) < 0.02


@quick
@given(scored_customers())
@example(TIED)
@example(BACKWARDS)
def test_no_threshold_has_a_better_profit_by_the_smoothed_outcomes(rows):
    labels, scores = rows
    smoothed = _smoothed(labels, scores)

    chosen = threshold(labels, scores, PROFIT, MONEY)

    best = max(_profit(smoothed, scores, at) for at in scores)
    assert _profit(smoothed, scores, chosen) == pytest.approx(max(best, 0), abs=1e-9)


def test_of_honest_probabilities_those_above_break_even_are_called():
    rng = np.random.default_rng(0)
    scores = rng.beta(1, 3, 20_000)
    labels = (rng.random(20_000) < scores).astype(float)

    assert threshold(labels, scores, PROFIT, MONEY) == pytest.approx(20 / 75, abs=0.01)


def test_nobody_is_called_where_every_call_loses_money():
    labels, scores = BACKWARDS
    dear = MONEY.model_copy(update={"offer_cost": 70})

    chosen = threshold(labels, scores, PROFIT, dear)

    assert not (scores >= chosen).any()


def test_profit_follows_the_assumptions_of_the_campaign():
    rng = np.random.default_rng(0)
    scores = rng.beta(1, 3, 20_000)
    labels = (rng.random(20_000) < scores).astype(float)

    chosen = [
        threshold(labels, scores, PROFIT, MONEY.model_copy(update={"offer_cost": cost}))
        for cost in (10, 50)
    ]

    assert chosen == pytest.approx([10 / 75, 50 / 75], abs=0.02)


@quick
@given(scored_customers(), st.integers(1, 20))
@example(TIED, 10)
@example(BACKWARDS, 10)
def test_the_lowest_threshold_that_is_precise_enough_is_taken(rows, share):
    labels, scores = rows
    smoothed = _smoothed(labels, scores)
    enough = [at for at in scores.tolist() if _precision(smoothed, scores, at) > share / 20 + 1e-9]
    assume(enough)

    chosen = threshold(labels, scores, _precise(share / 20), MONEY)

    assert chosen <= min(enough)
    assert _precision(smoothed, scores, chosen) >= share / 20 - 1e-9


def test_a_precision_is_kept_on_other_customers():
    kept = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scores = rng.beta(1, 3, 2000)
        labels = (rng.random(2000) < scores).astype(float)
        chosen = threshold(labels[:1000], scores[:1000], _precise(0.8), MONEY)
        kept.append(_precision(labels[1000:], scores[1000:], chosen))

    assert np.mean(kept) > 0.78


@quick
@given(scored_customers(), st.integers(1, 20))
@example(BACKWARDS, 20)
def test_a_precision_out_of_reach_is_refused_with_the_best_there_is(rows, share):
    labels, scores = rows
    best = max(_precision(_smoothed(labels, scores), scores, at) for at in scores)
    assume(best < share / 20 - 1e-9)

    with pytest.raises(
        PrecisionOutOfReach,
        match=rf"^decision\.precision: {share / 20:g} is reached at no threshold; the best "
        rf"precision on out-of-fold predictions is {best:.4g}\. Lower decision\.precision\.$",
    ):
        threshold(labels, scores, _precise(share / 20), MONEY)


@quick
@given(scored_customers(), st.floats(0.01, 0.99))
def test_a_fixed_threshold_is_taken_whatever_the_customers(rows, value):
    fixed = FixedDecision(method="fixed", threshold=value)

    assert threshold(*rows, fixed, MONEY) == value
