"""The estimate without outcomes: by hand, against outcomes drawn, and where it must fail."""

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from churn import metrics
from churn.estimation import LEAST, estimate, simulated

THRESHOLD = 0.35
NAMES = ("accuracy", "precision", "recall", "f1", "roc_auc")


def _scores(rows=2000, seed=0):
    return np.random.default_rng(seed).beta(1, 2.5, rows)


def _estimate(scores):
    return estimate(scores, scores >= THRESHOLD).metrics


def _drawn(probabilities, scores, seed):
    labels = (np.random.default_rng(seed).random(len(scores)) < probabilities).astype(float)
    return metrics.measured(labels, scores, THRESHOLD)


def test_the_expected_confusion_by_hand():
    """A quarter flagged at 0.8, the others at 0.1."""
    scores = np.array([0.8] * 25 + [0.1] * 75)
    hits, alarms, missed, right = 20, 5, 7.5, 67.5

    found = _estimate(scores)

    assert found["accuracy"].value == pytest.approx((hits + right) / 100)
    assert found["precision"].value == pytest.approx(hits / (hits + alarms))
    assert found["recall"].value == pytest.approx(hits / (hits + missed))
    assert found["f1"].value == pytest.approx(2 * hits / (2 * hits + alarms + missed))
    # Churners above, at the same score (but for oneself), and below.
    beaten = 20 * 67.5 + 0.8 * 0.2 * 25 * 24 / 2 + 0.1 * 0.9 * 75 * 74 / 2
    pairs = 27.5 * 72.5 - 25 * 0.8 * 0.2 - 75 * 0.1 * 0.9
    assert found["roc_auc"].value == pytest.approx(beaten / pairs)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_what_outcomes_of_such_probabilities_give_in_the_mean(name):
    scores = _scores()

    real = [_drawn(scores, scores, seed)[name] for seed in range(200)]

    assert _estimate(scores)[name].value == pytest.approx(np.mean(real), abs=0.004)


@pytest.mark.parametrize("name", NAMES)
def test_its_interval_holds_what_happens_nineteen_times_in_twenty(name):
    scores = _scores()
    one = _estimate(scores)[name]

    real = [_drawn(scores, scores, seed)[name] for seed in range(1000, 1400)]

    inside = np.mean([one.low <= value <= one.high for value in real])
    assert 0.91 <= inside <= 0.98


def test_more_customers_have_narrower_intervals():
    few, many = _estimate(_scores(200))["f1"], _estimate(_scores(5000))["f1"]

    assert many.high - many.low < (few.high - few.low) / 3


def test_other_customers_change_it_as_they_change_the_truth():
    """Covariate shift: of the customers at risk only every fifth is left."""
    scores = _scores(10_000)
    shifted = scores[(scores < 0.4) | (np.arange(10_000) % 5 == 0)]

    before, after = _estimate(scores)["f1"].value, _estimate(shifted)["f1"].value
    real = np.mean([_drawn(shifted, shifted, seed)["f1"] for seed in range(20)])

    assert before - after > 0.1
    assert after == pytest.approx(real, abs=0.01)


def test_it_does_not_see_customers_who_behave_otherwise():
    """Concept drift: the outcomes no longer follow the scores."""
    scores = _scores()

    real = _drawn(np.full(len(scores), scores.mean()), scores, 0)

    assert _estimate(scores)["roc_auc"].low > real["roc_auc"] + 0.1


def test_fewer_customers_than_are_needed_give_the_reason():
    scores = _scores(LEAST - 1)

    found = estimate(scores, scores >= THRESHOLD)

    assert (found.n, found.metrics) == (99, None)
    assert found.reason == "99 customers; an estimate needs 100"
    assert _estimate(_scores(LEAST)) is not None


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (0.0, "fewer than 5 churners expected"),
        (0.01, "fewer than 5 churners expected"),
        (0.999, "fewer than 5 customers who stay expected"),
        (1.0, "fewer than 5 customers who stay expected"),
    ],
)
def test_customers_who_are_all_alike_give_the_reason(score, reason):
    scores = np.full(200, score)

    found = estimate(scores, scores >= THRESHOLD)

    assert found.metrics is None
    assert found.reason == reason


@pytest.mark.parametrize("flagged", [False, True])
def test_nobody_or_everybody_flagged_is_no_trouble(flagged):
    scores = _scores(300)

    found = estimate(scores, np.full(300, flagged)).metrics

    assert found["recall"].value == pytest.approx(float(flagged))
    assert all(np.isfinite([one.value, one.low, one.high]).all() for one in found.values())


def test_simulated_metrics_are_those_of_the_metrics_module():
    """One customer in two certain, so that every draw is the same."""
    scores = np.array([0.0, 1.0] * 60)
    decisions = np.arange(120) % 3 == 0

    found = simulated(scores, decisions)

    expected = metrics.measured(scores, np.where(decisions, 0.9, 0.1), 0.5)
    for name in ("accuracy", "precision", "recall", "f1"):
        assert found[name] == pytest.approx(np.full(500, expected[name]))
    assert set(found["roc_auc"].tolist()) == {1.0}
    assert set(found["calibration_error"].tolist()) == {0.0}


def test_the_bits_do_not_depend_on_threads():
    scores = _scores(3000)
    with threadpool_limits(1):
        alone = _estimate(scores)

    assert _estimate(scores) == alone


def test_the_summary_holds_plain_data():
    scores = _scores(300)

    found = estimate(scores, scores >= THRESHOLD).summary()

    assert json.loads(json.dumps(found)) == found
    assert {*found["metrics"]} == {*NAMES}
