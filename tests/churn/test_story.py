"""What happened day by day: the truth, the alarms, the end."""

from __future__ import annotations

import numpy as np
import pytest

from churn.story import Retrained, accuracy, best, log_loss
from tests.stories import day, story


def test_alarms_are_the_evenings_with_a_reason():
    told = story([day(), day("age has drifted: PSI 0.3"), day(), day("asked for")], shift=2)

    assert told.alarms == [2, 4]
    assert told.alarm == 2
    assert story([day()], shift=1).alarm is None


def test_a_reason_stands_where_its_subject_was_first_named():
    told = story(
        [
            day("age has drifted: PSI 0.3"),
            day("age has drifted: PSI 0.4", "f1 is worse by 0.060: 0.5"),
            day("f1 is worse by 0.070: 0.49", "the model is 31 days old; 30 are allowed"),
            day("the model is 32 days old; 30 are allowed"),
        ],
        shift=1,
    )

    assert told.first_reasons == [
        (1, "age has drifted: PSI 0.3"),
        (2, "f1 is worse by 0.060: 0.5"),
        (3, "the model is 31 days old; 30 are allowed"),
    ]


def test_the_truth_looks_back_a_week_and_not_past_what_changed():
    days = [day(scores=np.full(4, value)) for value in (0.1, 0.2, 0.3, 0.6, 0.9, 0.5)]
    told = story(days, shift=3, retrained=Retrained(5, 100))

    found = told.truth(lambda one: float(one.served.scores.mean()))

    assert found == pytest.approx([0.1, 0.15, 0.3, 0.45, 0.9, 0.5])


def test_a_week_is_seven_days():
    days = [day(scores=np.full(4, value)) for value in np.arange(10) / 10]

    found = story(days, shift=1).truth(lambda one: float(one.served.scores.mean()))

    assert found[-1] == pytest.approx(0.6)


def test_expected_figures_are_means_over_what_may_happen():
    one = day(probability=np.array([0.2, 0.9]), scores=np.array([0.6, 0.8]))

    assert accuracy(one, one.served) == pytest.approx((0.2 + 0.9) / 2)
    assert accuracy(one, best(one)) == pytest.approx((0.8 + 0.9) / 2)
    expected = -0.2 * np.log(0.6) - 0.8 * np.log(0.4) - 0.9 * np.log(0.8) - 0.1 * np.log(0.2)
    assert log_loss(one, one.served.scores) == pytest.approx(expected / 2)
    assert log_loss(one, one.probability) < log_loss(one, one.served.scores)


def test_the_end_is_measured_against_what_became_of_the_customers():
    bad = day(scores=np.array([0.9, 0.9, 0.9, 0.9]), churned=np.array([False] * 4))
    good = day(scores=np.array([0.1, 0.1, 0.1, 0.9]), churned=np.array([False] * 3 + [True]))

    last = story([bad, *[good] * 10], shift=1).last(lambda one: one.served)

    assert last["accuracy"] == 1
    assert last["log_loss"] == pytest.approx(-np.log(0.9))
