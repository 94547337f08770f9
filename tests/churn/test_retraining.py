"""The decision to train again: each reason alone, with its numbers, and none."""

import pytest

from churn.drift import Comparison, Drift
from churn.quality import Change, Quality
from churn.retraining import decide
from tests.drifting import SETTINGS


def _comparison(rows=500, **levels):
    """Columns with their PSI and level."""
    drifts = {
        name: Drift(psi, 0.02, 0.001, level, ("a",), (1.0,), (1.0,))
        for name, (psi, level) in levels.items()
    }
    return Comparison(rows, drifts)


def _quality(*, fallen):
    fine = Change(0.81, 0.8, -0.01, 0.03, 1234, False)
    fell = Change(0.595, 0.657, 0.062, 0.03, 1234, True)
    return Quality(1234, 300, {"accuracy": fine, "recall": fell if fallen else fine})


def _decide(comparison=None, quality=None, age_days=3.0, asked=False):
    quiet = _comparison(age=(0.01, "ok"), plan=(0.2, "warning"))
    return decide(comparison or quiet, quality, age_days, asked, SETTINGS)


@pytest.mark.parametrize("quality", [None, _quality(fallen=False)])
def test_without_a_reason_there_is_no_training(quality):
    found = _decide(quality=quality)

    assert not found.retrain
    assert found.reasons == ()


def test_drift_is_a_reason_at_the_level_of_alarm():
    found = _decide(_comparison(charge=(0.3127, "alarm"), plan=(0.2, "warning")))

    assert found.retrain
    assert found.reasons == ("charge has drifted: PSI 0.313, alarm from 0.25",)


@pytest.mark.parametrize(("rows", "expected"), [(4, False), (199, False), (200, True)])
def test_a_few_customers_are_no_reason(rows, expected):
    assert _decide(_comparison(rows, charge=(13.1, "alarm"))).retrain is expected


def test_a_high_psi_that_may_be_chance_is_none():
    assert not _decide(_comparison(charge=(0.4, "ok"))).retrain


def test_a_metric_that_fell_is_a_reason():
    found = _decide(quality=_quality(fallen=True))

    assert found.retrain
    assert found.reasons == (
        "recall is worse by 0.062: 0.595 against 0.657, on 1,234 customers; 0.05 is allowed",
    )


@pytest.mark.parametrize(("age", "expected"), [(29.9, False), (30.0, False), (30.1, True)])
def test_a_model_that_is_too_old_is_a_reason(age, expected):
    assert _decide(age_days=age).retrain is expected


def test_the_age_is_told_in_whole_days():
    assert _decide(age_days=41.2).reasons == ("the model is 41 days old; 30 are allowed",)


def test_to_be_asked_is_reason_enough():
    assert _decide(asked=True).reasons == ("asked for",)


def test_all_reasons_are_told_at_once():
    drifted = _comparison(charge=(0.3, "alarm"), plan=(0.26, "alarm"))

    found = _decide(drifted, _quality(fallen=True), 99, True)

    assert [reason.split()[0] for reason in found.reasons] == [
        "charge", "plan", "recall", "the", "asked",
    ]  # fmt: skip
