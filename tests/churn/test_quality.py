"""Quality against its baseline: the metrics, the fall, and what is chance."""

import json

import numpy as np
import pytest

from churn import metrics
from churn.quality import METRICS, quality

BASELINE = dict.fromkeys(METRICS, 0.5) | {"calibration_error": 0.02}
THRESHOLD = 0.4


def _customers(rows=4000, seed=0):
    """Outcomes drawn from the scores themselves, and decisions."""
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    return (rng.random(rows) < scores).astype(float), scores, scores >= THRESHOLD


def _baseline(**changes):
    """What the customers above have, with changes."""
    labels, scores, _ = _customers()
    found = metrics.measured(labels, scores, THRESHOLD)
    return {name: found[name] for name in METRICS} | changes


def _quality(labels, scores, decisions, baseline=None, max_fall=0.05):
    return quality(
        labels, scores, decisions, _baseline() if baseline is None else baseline, max_fall
    )


def test_every_metric_is_that_of_the_metrics_module():
    labels, scores, decisions = _customers()

    found = _quality(labels, scores, decisions)

    expected = metrics.measured(labels, scores, THRESHOLD)
    assert {name: one.value for name, one in found.metrics.items()} == {
        name: pytest.approx(expected[name], rel=1e-12) for name in METRICS
    }
    assert [*found.metrics] == [*METRICS]
    assert found.n == 4000 == found.metrics["f1"].n
    assert found.churners == labels.sum()


def test_decisions_count_as_they_were_made_whatever_the_scores_say():
    labels, scores, _ = _customers()

    found = _quality(labels, scores, labels == 1)

    assert found.metrics["accuracy"].value == found.metrics["f1"].value == 1
    assert found.metrics["roc_auc"].value < 0.9


def test_only_customers_whose_outcome_is_known_count():
    labels, scores, decisions = _customers()
    partly = labels.copy()
    partly[::4] = np.nan
    known = ~np.isnan(partly)

    found = _quality(partly, scores, decisions)

    assert found == _quality(labels[known], scores[known], decisions[known])
    assert found.n == 3000


@pytest.mark.parametrize(("churners", "others"), [(4, 300), (300, 4), (0, 300), (0, 0)])
def test_too_few_outcomes_of_a_class_give_none(churners, others):
    _, scores, decisions = _customers()
    labels = np.full(4000, np.nan)
    labels[:churners], labels[churners : churners + others] = 1, 0

    assert _quality(labels, scores, decisions) is None


def test_five_of_each_are_enough():
    _, scores, decisions = _customers()
    labels = np.full(4000, np.nan)
    labels[:5], labels[5:10] = 1, 0

    assert _quality(labels, scores, decisions).n == 10


@pytest.mark.parametrize("name", [name for name in METRICS if name != "calibration_error"])
def test_a_fall_beyond_the_bound_is_called_one(name):
    now = _baseline()[name]

    above = _quality(*_customers(), _baseline(**{name: now + 0.06})).metrics
    below = _quality(*_customers(), _baseline(**{name: now + 0.04})).metrics
    better = _quality(*_customers(), _baseline(**{name: now - 0.2})).metrics

    assert above[name].fall == pytest.approx(0.06)
    assert [other for other, one in above.items() if one.fallen] == [name]
    assert not below[name].fallen
    assert not better[name].fallen
    assert better[name].fall < 0


def test_a_calibration_error_falls_by_growing():
    labels, scores, decisions = _customers()

    found = _quality(labels, scores / 2, decisions).metrics["calibration_error"]

    assert found.value > 0.2
    assert found.fall == pytest.approx(found.value - found.baseline)
    assert found.fallen


def test_few_customers_fall_by_chance_and_are_not_called_fallen():
    few = [_quality(*_customers(60, seed)) for seed in range(1, 101)]

    falls = [one for found in few for one in found.metrics.values()]
    assert sum(one.fall > 0.05 for one in falls) > 100
    assert sum(one.fallen for one in falls) <= 12


def test_a_model_that_has_become_useless_is_found_with_few_customers():
    _, scores, decisions = _customers(200)
    guessed = (np.random.default_rng(3).random(200) < 0.5).astype(float)

    found = _quality(guessed, scores, decisions).metrics

    assert found["roc_auc"].fallen
    assert found["accuracy"].fallen


def test_the_summary_holds_plain_data():
    found = _quality(*_customers(200)).summary()

    assert json.loads(json.dumps(found)) == found
    assert {*found["metrics"]["recall"]} == {
        "value", "baseline", "fall", "chance", "n", "fallen",
    }  # fmt: skip


def test_the_same_customers_give_the_same_bits():
    assert _quality(*_customers(300)) == _quality(*_customers(300))
