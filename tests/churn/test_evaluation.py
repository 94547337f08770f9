"""Evaluation: every measure of the held-out customers, the same as each alone would give."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from churn import metrics
from churn.calibration import NoCalibration
from churn.evaluation import POINTS, THRESHOLD_FREE, evaluate
from churn.importance import importances
from churn.leaks import Side
from tests.small import small_parameters

pytestmark = pytest.mark.usefixtures("one_thread")
quick = settings(deadline=None, max_examples=8)
seeds = st.integers(0, 2**32 - 1)
METRICS = {
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "pr_auc",
    "log_loss",
    "brier",
    "calibration_error",
    "top_decile_lift",
}


@pytest.fixture(scope="module")
def known(shop):
    """Evaluated where the true probabilities are known."""
    return shop.evaluated(knows_truth=True)


@pytest.fixture(scope="module")
def unknown(shop):
    return shop.evaluated()


@pytest.fixture(scope="module")
def outcomes(shop):
    """Outcomes, scores, scores before calibration, and true probabilities of the same customers."""
    columns, labels, truth = shop.customers(400, seed=1)
    scorer = shop.scorer
    return labels, scorer.probabilities(columns), scorer.uncalibrated(columns), truth


# metrics


def test_the_metrics_are_those_of_the_bundles_scores_and_threshold(shop, unknown, outcomes):
    labels, scores, _, _ = outcomes
    threshold = shop.scorer.bundle.manifest.threshold

    assert unknown.metrics == metrics.measured(labels, scores, threshold)
    assert {*unknown.metrics} == {*METRICS, "n", "churners"}
    assert unknown.threshold == threshold


def test_the_metrics_stand_beside_their_number_of_rows(unknown, outcomes):
    assert unknown.metrics["n"] == 400
    assert unknown.metrics["churners"] == outcomes[0].sum()


def test_there_is_a_ceiling_only_where_the_truth_is_known(known, unknown, outcomes):
    labels, _, _, truth = outcomes

    assert "ceiling" not in unknown.metrics
    best = metrics.measured(labels, truth, 0.5)
    assert known.metrics["ceiling"] == {name: best[name] for name in THRESHOLD_FREE}


def test_the_truth_changes_nothing_but_the_ceiling(known, unknown):
    assert {k: v for k, v in known.metrics.items() if k != "ceiling"} == unknown.metrics
    assert known.details() == unknown.details()


def test_the_truth_beats_a_small_model(known):
    found = known.metrics

    assert found["ceiling"]["roc_auc"] > found["roc_auc"]
    assert found["ceiling"]["log_loss"] < found["log_loss"]


def test_every_metric_has_an_interval_and_nothing_else_has(known):
    assert {*known.intervals} == METRICS
    for name, (low, high) in known.intervals.items():
        # The calibration error of a resample is biased upwards: its interval may lie above it.
        assert low < high
        assert low <= known.metrics[name] <= high or name == "calibration_error"


def test_the_confusion_matrix_accounts_for_every_row_and_agrees_with_the_metrics(unknown):
    cells, found = unknown.confusion, unknown.metrics

    hits = cells["true_positives"]
    assert sum(cells.values()) == found["n"]
    assert hits + cells["false_negatives"] == found["churners"]
    assert hits / (hits + cells["false_positives"]) == found["precision"]
    assert (hits + cells["true_negatives"]) / found["n"] == found["accuracy"]


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_at_the_end_calls_everybody_or_nearly_nobody(shop, outcomes, threshold):
    found = shop.evaluated(shop.changed(threshold=threshold))

    called = found.confusion["true_positives"] + found.confusion["false_positives"]
    assert called == (outcomes[1] >= threshold).sum()


def test_the_calibration_error_is_told_before_and_after(unknown, outcomes):
    labels, scores, before, _ = outcomes

    assert unknown.calibration_error == {
        "before": metrics.measured(labels, before, 0.5)["calibration_error"],
        "after": metrics.measured(labels, scores, 0.5)["calibration_error"],
    }
    assert unknown.calibration != "none"


def test_without_calibration_before_and_after_are_one(shop):
    found = shop.evaluated(shop.changed(calibration=NoCalibration()))

    assert found.calibration == "none"
    assert found.calibration_error["before"] == found.calibration_error["after"]
    assert found.metrics["calibration_error"] == found.calibration_error["before"]


# what else is measured


def test_every_kind_of_customer_is_measured_beside_the_whole(unknown):
    slices = unknown.sliced.slices

    assert {name: unknown.sliced.whole.metrics[name] for name in METRICS} == {
        name: unknown.metrics[name] for name in METRICS
    }
    assert {(one.column, one.level) for one in slices} == {
        *(("plan", level) for level in ("Basic", "Gold", "Doomed")),
        *(("spent", f"{band} EUR") for band in ("below 250", "250 to below 500")),
        ("spent", "500 EUR and above"),
        *(("member", answer) for answer in ("yes", "no")),
    }
    assert sum(one.n for one in slices) == 3 * 400


def test_the_campaign_is_that_of_the_calibrated_scores(unknown, outcomes):
    labels, scores, _, _ = outcomes
    contacted = scores >= unknown.campaign.break_even

    assert unknown.campaign.contacted == contacted.sum()
    assert unknown.campaign.churners_contacted == labels[contacted].sum()


def test_the_importances_are_those_of_the_held_out_customers(shop, unknown):
    columns, _, _ = shop.customers(400, seed=1)

    assert unknown.importances == importances(shop.scorer, columns)


def test_honest_customers_raise_no_alarm(unknown):
    assert unknown.alarms == ()


def test_what_gives_the_outcome_away_raises_an_alarm(shop):
    def side(seed):
        columns, labels, _ = shop.customers(400, seed)
        return columns, Side({**columns, "refund": labels * 10}, labels)

    (_, train), (columns, test) = side(0), side(1)
    small = small_parameters(1).evaluate.model_copy(update={"resamples": 100})

    found = evaluate(shop.scorer, columns, train, test, None, small)

    assert {one.feature for one in found.alarms} == {"refund"}
    assert found.details()["leaks"][0] == {
        "kind": "single_feature",
        "feature": "refund",
        "message": "refund alone ranks churners with ROC-AUC 1.000, above 0.95",
    }


# curves


def _area(found):
    roc = found.curves["roc"]
    return np.trapezoid(roc["true_positive_rate"], roc["false_positive_rate"])


@quick
@given(seeds)
def test_the_roc_curve_leads_from_nobody_to_everybody_over_the_area_of_the_metric(shop, seed):
    found = shop.evaluated(rows=200, seed=seed)

    for rate in found.curves["roc"].values():
        assert (rate[0], rate[-1]) == (0, 1)
        assert np.all(np.diff(rate) >= 0)
    assert _area(found) == pytest.approx(found.metrics["roc_auc"])


@quick
@given(seeds)
def test_the_precision_recall_curve_ends_where_everybody_is_called(shop, seed):
    found = shop.evaluated(rows=200, seed=seed)

    curve = found.curves["precision_recall"]
    assert np.all(np.diff(curve["recall"]) >= 0)
    assert np.all(np.diff(curve["threshold"]) < 0)
    assert curve["recall"][-1] == 1
    assert curve["precision"][-1] == found.metrics["churners"] / found.metrics["n"]


@quick
@given(seeds)
def test_the_calibration_curves_account_for_every_row_and_hold_the_error(shop, seed):
    found = shop.evaluated(rows=200, seed=seed)

    for name, moment in {"calibration": "after", "uncalibrated": "before"}.items():
        curve = found.curves[name]
        gap = np.abs(curve["predicted"] - curve["observed"]) * curve["n"]
        assert curve["n"].sum() == found.metrics["n"]
        assert gap.sum() / found.metrics["n"] == pytest.approx(found.calibration_error[moment])
        assert np.all(np.diff(curve["predicted"]) > 0)


def test_the_lift_curve_holds_the_lift_of_the_first_tenth(unknown):
    contacted, reached = unknown.curves["lift"].values()

    assert (contacted[0], reached[0], contacted[-1], reached[-1]) == (0, 0, 1, 1)
    tenth = np.interp(0.1, contacted, reached) / 0.1
    assert tenth == pytest.approx(unknown.metrics["top_decile_lift"])


def test_the_profit_curve_is_the_campaigns(unknown):
    assert unknown.curves["profit"] == unknown.campaign.curve


def test_the_importance_curve_has_every_input_the_strongest_first(shop, unknown):
    names, strength = unknown.curves["importance"].values()

    assert {*names} == {one.name for one in shop.scorer.bundle.manifest.preprocessor.inputs}
    assert np.all(np.diff(strength) <= 0)


def test_of_many_customers_a_curve_keeps_its_shape_in_few_points(shop):
    found = shop.evaluated(rows=4000)

    assert len(np.unique(shop.scorer.probabilities(shop.customers(4000, 1)[0]))) > POINTS
    for name in ("roc", "precision_recall", "lift"):
        assert {len(values) for values in found.curves[name].values()} <= {POINTS, POINTS + 1}
    assert _area(found) == pytest.approx(found.metrics["roc_auc"], abs=1e-3)


# as data


def test_metrics_and_details_can_be_written_as_json(known):
    for part in (known.metrics, known.details()):
        text = json.dumps(part, allow_nan=False)
        assert json.dumps(json.loads(text)) == text


def test_the_details_tell_everything_that_is_measured(known):
    details = known.details()

    assert [*details] == [
        *("bundle_sha256", "threshold", "confusion", "intervals", "calibration_error", "money"),
        *("leaks", "importance", "slices"),
    ]
    assert details["money"]["assumptions"] == known.campaign.money.model_dump()
    assert details["confusion"] == known.confusion
    assert len(details["slices"]) == len(known.sliced.slices)
    assert details["importance"]["rows"] == 400


def test_the_same_customers_give_the_same_bits_on_any_number_of_threads(shop, known):
    shop.scorer.bundle.booster.set_param({"nthread": 2})
    with threadpool_limits(2):
        again = shop.evaluated(knows_truth=True)
    shop.scorer.bundle.booster.set_param({"nthread": 1})

    assert (again.metrics, again.details()) == (known.metrics, known.details())
    for name, curve in known.curves.items():
        for column, values in curve.items():
            assert values.tolist() == again.curves[name][column].tolist()
