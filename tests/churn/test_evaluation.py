"""Evaluation: metrics, intervals, the ceiling where the truth is known, and the curves."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import metrics
from churn.evaluation import THRESHOLD_FREE, evaluate
from churn.settings import EvaluateSettings

SETTINGS = EvaluateSettings(resamples=100, seed=0)
quick = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**32 - 1)


def _rows(seed=0, rows=300):
    """Labels, a model's scores with ties, and the true probabilities, each (n,)."""
    rng = np.random.default_rng(seed)
    truth = rng.beta(1, 3, rows)
    labels = (rng.random(rows) < truth).astype(float)
    labels[:2] = 0, 1
    scores = np.round(np.clip(truth + rng.normal(0, 0.15, rows), 0, 1), 2)
    return labels, scores, truth


def _evaluated(seed=0, threshold=0.3, with_truth=False):
    labels, scores, truth = _rows(seed)
    return evaluate(labels, scores, threshold, truth if with_truth else None, SETTINGS)


def test_the_metrics_are_those_of_the_scores():
    labels, scores, _ = _rows()

    assert _evaluated().metrics == metrics.measured(labels, scores, 0.3)


def test_there_is_a_ceiling_only_where_the_truth_is_known():
    labels, _, truth = _rows()

    known, unknown = _evaluated(with_truth=True), _evaluated()

    assert "ceiling" not in unknown.metrics
    best = metrics.measured(labels, truth, 0.5)
    assert known.metrics["ceiling"] == {name: best[name] for name in THRESHOLD_FREE}


def test_the_truth_changes_nothing_but_the_ceiling():
    known, unknown = _evaluated(with_truth=True), _evaluated()

    assert {k: v for k, v in known.metrics.items() if k != "ceiling"} == unknown.metrics
    assert known.details == unknown.details


def test_on_many_rows_the_truth_beats_a_model_that_errs():
    labels, scores, truth = _rows(rows=5000)

    found = evaluate(labels, scores, 0.3, truth, SETTINGS).metrics

    assert found["ceiling"]["roc_auc"] > found["roc_auc"]
    assert found["ceiling"]["log_loss"] < found["log_loss"]


def test_every_metric_has_an_interval_and_nothing_else_has():
    found = _evaluated(with_truth=True)

    assert {*found.details["intervals"]} == {*found.metrics} - {"n", "churners", "ceiling"}
    assert all(low <= high for low, high in found.details["intervals"].values())


def test_the_confusion_matrix_accounts_for_every_row_and_agrees_with_the_metrics():
    found = _evaluated()

    cells, n = found.details["confusion"], found.metrics["n"]
    hits = cells["true_positives"]
    assert sum(cells.values()) == n
    assert hits + cells["false_negatives"] == found.metrics["churners"]
    assert hits / (hits + cells["false_positives"]) == found.metrics["precision"]
    assert found.details["threshold"] == 0.3


def test_metrics_and_details_can_be_written_as_json():
    found = _evaluated(with_truth=True)

    for part in (found.metrics, found.details):
        assert json.loads(json.dumps(part, allow_nan=False)) == part


def test_the_same_rows_give_the_same_evaluation():
    first, second = _evaluated(), _evaluated()

    assert (first.metrics, first.details) == (second.metrics, second.details)
    for name, curve in first.curves.items():
        for column, values in curve.items():
            assert values.tobytes() == second.curves[name][column].tobytes()


@quick
@given(seeds)
def test_the_roc_curve_rises_from_nobody_to_everybody(seed):
    roc = _evaluated(seed).curves["roc"]

    for rate in roc.values():
        assert (rate[0], rate[-1]) == (0, 1)
        assert np.all(np.diff(rate) >= 0)


@quick
@given(seeds)
def test_the_area_under_the_roc_curve_is_the_metric(seed):
    found = _evaluated(seed)

    x, y = found.curves["roc"]["false_positive_rate"], found.curves["roc"]["true_positive_rate"]
    assert np.trapezoid(y, x) == pytest.approx(found.metrics["roc_auc"])


@quick
@given(seeds)
def test_the_precision_recall_curve_ends_where_everybody_is_called(seed):
    found = _evaluated(seed)

    curve = found.curves["precision_recall"]
    assert np.all(np.diff(curve["recall"]) >= 0)
    assert np.all(np.diff(curve["threshold"]) < 0)
    assert curve["recall"][-1] == 1
    assert curve["precision"][-1] == found.metrics["churners"] / found.metrics["n"]


@quick
@given(seeds)
def test_the_calibration_curve_accounts_for_every_row(seed):
    found = _evaluated(seed)

    curve = found.curves["calibration"]
    gap = np.abs(curve["predicted"] - curve["observed"]) * curve["n"]
    assert curve["n"].sum() == found.metrics["n"]
    assert gap.sum() / found.metrics["n"] == pytest.approx(found.metrics["calibration_error"])
    assert np.all(np.diff(curve["predicted"]) > 0)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_a_threshold_at_the_end_calls_everybody_or_nearly_nobody(threshold):
    _, scores, _ = _rows()

    cells = _evaluated(threshold=threshold).details["confusion"]

    called = cells["true_positives"] + cells["false_positives"]
    assert called == (scores >= threshold).sum()
