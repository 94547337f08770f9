"""The drift report: what the stage writes for programs."""

import json

import numpy as np
import pytest

from churn.drift_report import Baseline, Scored, report
from churn.quality import METRICS
from churn.reference import SCORE, reference
from tests.drifting import SETTINGS

THRESHOLD = 0.25


def _report(labels, rows=400):
    rng = np.random.default_rng(0)
    columns, scores = {"charge": rng.normal(60, 10, rows)}, rng.random(rows)
    baseline = Baseline(np.array([0.1, 0.2, 0.3, 0.6]), dict.fromkeys((*METRICS, "brier"), 0.7))
    known = reference(columns, scores)
    return report(columns, scores, labels, THRESHOLD, known, baseline, SETTINGS)


def test_the_score_is_told_then_and_now():
    found = _report(np.full(400, np.nan))

    assert found.held_out == Scored(n=4, mean=pytest.approx(0.3), flagged=0.5)
    assert found.current.n == 400
    assert found.current.flagged == pytest.approx(0.75, abs=0.05)


def test_without_outcomes_there_is_an_estimate_and_no_quality():
    found = _report(np.full(400, np.nan)).summary()

    assert found["quality"] is None
    assert found["estimated"]["n"] == 400
    assert 0 < found["estimated"]["metrics"]["f1"]["value"] < 1


def test_with_outcomes_there_are_both():
    found = _report((np.random.default_rng(1).random(400) < 0.5).astype(float)).summary()

    assert found["quality"]["n"] == found["estimated"]["n"] == 400
    assert found["quality"]["metrics"]["roc_auc"]["fallen"]


def test_the_summary_holds_plain_data():
    found = _report((np.random.default_rng(1).random(400) < 0.5).astype(float)).summary()

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [*found] == ["rows", "level", "drift", "score", "quality", "estimated"]
    assert {*found["drift"]} == {"charge", SCORE}
