"""The worth of a campaign: by hand, against brute force, and where it is not worth while."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import metrics, money
from churn.settings import MoneySettings

quick = settings(deadline=None, max_examples=100)

# An offer costs 20; a churner contacted brings 0.5 * 20 * 10 = 100: break-even is 0.2.
PLAIN = MoneySettings(
    margin=20, offer_cost=20, acceptance=0.5, months_kept=10, outcome_months=6, currency="EUR"
)
NEVER = PLAIN.model_copy(update={"offer_cost": 1250})

amounts = st.floats(0.01, 1000)
shares = st.integers(1, 20).map(lambda twentieths: twentieths / 20)


@st.composite
def assumptions(draw):
    return MoneySettings(
        margin=draw(amounts),
        offer_cost=draw(amounts),
        acceptance=draw(shares),
        months_kept=draw(st.floats(0.5, 60)),
        outcome_months=draw(st.sampled_from([1, 3, 6, 12])),
        currency="USD",
    )


@st.composite
def labelled(draw, most=40):
    """Labels and scores with ties, each (n,)."""
    rows = draw(st.integers(1, most))
    outcomes = draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    scores = draw(st.lists(st.integers(0, 12), min_size=rows, max_size=rows))
    return np.array(outcomes, dtype=float), np.array(scores) / 12


def _campaign(labels, scores, assumed=PLAIN, resamples=100, seed=0):
    return money.campaign(labels, scores, assumed, resamples, seed)


def _random_rows(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(rows) ** 2, 3)
    return (rng.random(rows) < scores).astype(float), scores


def _profit_by_hand(labels, called, assumed):
    total = 0.0
    for label, is_called in zip(labels, called, strict=True):
        saved = label * assumed.acceptance * assumed.margin * assumed.months_kept
        total += (saved - assumed.offer_cost) if is_called else 0
    return total / len(labels) * 10_000


# by hand


LABELS = np.array([1, 0, 1, 0, 0, 0, 1, 0, 0, 0.0])
SCORES = np.array([0.9, 0.8, 0.5, 0.5, 0.2, 0.1, 0.1, 0.1, 0.05, 0])


def test_a_small_campaign_worked_out_by_hand():
    found = _campaign(LABELS, SCORES)

    # Five are at 0.2 or above, two of them churners: 2 * 100 - 5 * 20 = 100 for ten customers.
    assert found.break_even == 0.2
    assert (found.n, found.churners) == (10, 3)
    assert (found.contacted, found.churners_contacted, found.share_contacted) == (5, 2, 0.5)
    assert found.profit == pytest.approx(100_000)
    assert found.saving == pytest.approx(200_000)  # the outcome covers half a year
    # 3 * 100 - 10 * 20 = 100 as well
    assert found.profit_of_everybody == pytest.approx(100_000)
    # Of the two churners contacted, one stays.
    assert (found.churn_rate, found.churn_rate_after) == (0.3, pytest.approx(0.2))


def test_the_curve_worked_out_by_hand():
    curve = _campaign(LABELS, SCORES).curve

    # Customers of equal score are contacted together.
    assert curve["share_contacted"].tolist() == [0, 0.1, 0.2, 0.4, 0.5, 0.8, 0.9, 1]
    by_hand = np.array([0, 80, 60, 120, 100, 140, 120, 100]) * 1000
    assert curve["profit_per_10000"] == pytest.approx(by_hand)


def test_the_gain_from_a_churner_is_told_before_the_cost_of_the_offer():
    assert money.gain_per_churner(PLAIN) == money.gain_per_churner(NEVER) == 100


# break-even


@st.composite
def perfectly_calibrated(draw):
    """Groups of one score each, in which exactly that share are churners; scores in twentieths."""
    groups = draw(st.lists(st.integers(0, 20), min_size=1, max_size=8, unique=True))
    labels = [[1] * twentieths + [0] * (20 - twentieths) for twentieths in groups]
    return np.array(labels, dtype=float).ravel(), np.repeat(np.array(groups) / 20, 20)


@quick
@given(perfectly_calibrated(), assumptions())
def test_no_threshold_earns_more_than_break_even_where_scores_are_perfectly_calibrated(
    rows, assumed
):
    labels, scores = rows

    found = _campaign(labels, scores, assumed)

    best = max(
        _profit_by_hand(labels, scores >= bound, assumed) for bound in [*set(scores), math.inf]
    )
    assert found.profit == pytest.approx(best, rel=1e-9, abs=1e-6)


@quick
@given(labelled(), assumptions())
def test_profit_is_the_sum_over_the_customers_contacted(rows, assumed):
    labels, scores = rows

    found = _campaign(labels, scores, assumed)

    called = scores >= found.break_even
    by_hand = _profit_by_hand(labels, called, assumed)
    assert found.profit == pytest.approx(by_hand, rel=1e-9, abs=1e-6)
    assert found.saving == pytest.approx(by_hand * 12 / assumed.outcome_months, rel=1e-9, abs=1e-6)
    assert found.contacted == called.sum()


@quick
@given(perfectly_calibrated(), assumptions())
def test_the_profit_threshold_earns_what_break_even_earns(rows, assumed):
    labels, scores = rows
    found = _campaign(labels, scores, assumed)
    gain = money.gain_per_churner(assumed)

    threshold = metrics.best_profit_threshold(labels, scores, gain, assumed.offer_cost)

    called = scores >= threshold
    if found.profit > 1e-6:
        by_threshold = _profit_by_hand(labels, called, assumed)
        assert by_threshold == pytest.approx(found.profit, rel=1e-9)


def test_a_customer_exactly_at_break_even_is_contacted():
    around = np.array([np.nextafter(0.2, 0), 0.2])

    assert _campaign(np.ones(2), around).contacted == 1


def test_an_offer_that_never_pays_contacts_nobody_and_says_so():
    found = _campaign(np.ones(3), np.ones(3), NEVER)

    assert found.break_even == 12.5
    assert (found.share_contacted, found.profit, found.interval) == (0, 0, (0, 0))
    assert found.churn_rate_after == found.churn_rate == 1
    assert found.verdict == (
        "Contact nobody: an offer costs 1,250 EUR, and even a churner who gets it brings only 100."
    )


def test_the_verdict_names_the_break_even_probability():
    assert _campaign(LABELS, SCORES).verdict == (
        "Contact customers whose probability of churn is at least 20%."
    )


# the curve


@quick
@given(labelled(), assumptions())
def test_the_curve_leads_from_nobody_to_everybody(rows, assumed):
    found = _campaign(*rows, assumed)

    share, profit = found.curve["share_contacted"], found.curve["profit_per_10000"]
    assert (share[0], profit[0]) == (0, 0)
    assert (share[-1], profit[-1]) == (1, found.profit_of_everybody)
    assert (np.diff(share) > 0).all()
    assert len(share) == len(set(rows[1])) + 1


def test_the_curve_of_many_customers_has_few_points_spread_over_all_shares():
    rng = np.random.default_rng(0)
    scores = rng.random(30_011)

    share = _campaign(np.zeros(30_011), scores).curve["share_contacted"]

    assert len(share) == money.POINTS + 1
    assert np.diff(share) == pytest.approx(1 / money.POINTS, rel=0.01)


def test_every_point_of_the_curve_is_the_profit_of_a_threshold():
    labels, scores = _random_rows()

    curve = _campaign(labels, scores).curve

    by_share = {0.0: 0.0} | {
        (scores >= bound).mean(): _profit_by_hand(labels, scores >= bound, PLAIN)
        for bound in set(scores.tolist())
    }
    for share, profit in zip(*curve.values(), strict=True):
        assert profit == pytest.approx(by_share[share])


# what must hold for any customers and any money


@quick
@given(labelled(), assumptions(), st.sampled_from([0.25, 2, 1024]))
def test_money_in_another_unit_changes_nothing_but_the_unit(rows, assumed, factor):
    scaled = assumed.model_copy(
        update={"margin": assumed.margin * factor, "offer_cost": assumed.offer_cost * factor}
    )

    one, other = _campaign(*rows, assumed), _campaign(*rows, scaled)

    assert other.contacted == one.contacted
    assert other.profit == one.profit * factor
    assert other.interval == pytest.approx([bound * factor for bound in one.interval])
    np.testing.assert_array_equal(
        other.curve["profit_per_10000"], one.curve["profit_per_10000"] * factor
    )


@quick
@given(labelled(), assumptions(), amounts)
def test_a_dearer_offer_never_goes_to_more_customers_or_earns_more_where_it_went(
    rows, assumed, more
):
    dearer = assumed.model_copy(update={"offer_cost": assumed.offer_cost + more})

    one, other = _campaign(*rows, assumed), _campaign(*rows, dearer)

    assert other.contacted <= one.contacted
    assert other.profit_of_everybody < one.profit_of_everybody


@quick
@given(labelled(), assumptions())
def test_the_campaign_never_keeps_more_churners_than_there_are(rows, assumed):
    found = _campaign(*rows, assumed)

    assert 0 <= found.churn_rate_after <= found.churn_rate <= 1
    assert found.churners_contacted <= min(found.contacted, found.churners)


@quick
@given(labelled(), assumptions(), st.integers(0, 1000))
def test_the_order_of_the_customers_does_not_matter(rows, assumed, seed):
    labels, scores = rows
    order = np.random.default_rng(seed).permutation(len(labels))

    one, other = _campaign(*rows, assumed), _campaign(labels[order], scores[order], assumed)

    assert one.summary() == other.summary()


# the interval


def test_the_same_seed_gives_the_same_interval():
    rows = _random_rows()

    assert _campaign(*rows, seed=4).interval == _campaign(*rows, seed=4).interval
    assert _campaign(*rows, seed=4).interval != _campaign(*rows, seed=5).interval


def test_the_interval_lies_around_the_saving():
    found = _campaign(*_random_rows(), resamples=500)

    low, high = found.interval
    assert low < found.saving < high


def test_the_interval_is_as_wide_as_theory_says():
    labels, scores = _random_rows(5000)

    found = _campaign(labels, scores, resamples=2000)

    # The saving is a mean over customers, so it spreads by their deviation over the root of n.
    gains = (scores >= 0.2) * (labels * 100 - 20) * 10_000 * 2
    expected = 2 * 1.96 * gains.std() / math.sqrt(5000)
    assert found.interval[1] - found.interval[0] == pytest.approx(expected, rel=0.06)


def test_the_interval_is_that_of_rows_drawn_with_replacement_in_any_portions():
    labels, scores = _random_rows(20_001)  # fewer than 101 resamples fit into one portion
    called = scores >= 0.2
    hits, calls = int((called * labels).sum()), int(called.sum())
    gains = np.repeat([80.0, -20.0, 0.0], [hits, calls - hits, 20_001 - calls])
    rng = np.random.default_rng(7)
    by_hand = [gains[rng.integers(20_001, size=20_001)].mean() * 20_000 for _ in range(101)]

    found = _campaign(labels, scores, resamples=101, seed=7)

    assert found.interval == pytest.approx(np.quantile(by_hand, [0.025, 0.975]))


@quick
@given(labelled(), assumptions())
def test_a_campaign_is_told_in_plain_data(rows, assumed):
    summary = _campaign(*rows, assumed).summary()

    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["assumptions"] == assumed.model_dump()
    assert summary["profit_per_10000"]["nobody"] == 0
