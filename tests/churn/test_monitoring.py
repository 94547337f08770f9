"""Is it time to train again? From a log of customers whose world is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from churn.errors import OtherTableLogged
from churn.metrics import measured
from churn.monitoring import Check, Periods, Watched, check
from churn.params import read_parameters
from churn.prediction_log import Predicted
from churn.prediction_log_arrow import ARROW
from churn.quality import METRICS
from churn.synthetic import Draw, draw
from tests.checkout import ROOT
from tests.logged import prediction, served
from tests.small import small_parameters

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SETTINGS = read_parameters(ROOT / "params.yaml").drift.model_copy(
    update={"window_days": 7, "outcome_days": 30, "max_age_days": 30}
)
ROWS = 1500


def customers(drift: str = "none", rows: int = ROWS) -> Draw:
    source = small_parameters(1, current_rows=rows).source
    return draw(source.model_copy(update={"drift": drift}), "current")


def moments(rows: int, since: int = 20, until: int = 0) -> list[datetime]:
    """Evenly from some days before `NOW` until some days before it."""
    return [NOW - since * DAY + (since - until) * DAY * row / rows for row in range(rows)]


def log_of(made: Sequence[Predicted], outcomes: Sequence[bool] = ()) -> pa.Table:
    """The log with these predictions, the outcome known of as many as are given."""
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(made):
        is_known = number < len(outcomes)
        told = {
            "churned": bool(outcomes[number]) if is_known else None,
            "observed_at": NOW if is_known else None,
        }
        rows.append({**asdict(one), "values": json.dumps(one.values), **told})
    return pa.Table.from_pylist(rows, ARROW)


@pytest.fixture(scope="module")
def baseline(scorer) -> dict[str, float]:
    """What the model is worth on customers like those that it learnt from."""
    drawn = draw(small_parameters(1, current_rows=4000).source, "current")
    scores = scorer.probabilities(drawn.columns)
    threshold = scorer.bundle.manifest.threshold
    found = measured(drawn.churned.astype(np.float64), scores, threshold)
    return {name: found[name] for name in METRICS}


@pytest.fixture
def look(scorer, baseline):
    def looked(logged: pa.Table, *, forced: bool = False, **model: Any) -> Check:
        known = {"version": "v1", "age_days": 3.0, "baseline": baseline}
        watched = Watched(scorer.bundle, **known | model)
        periods = Periods.before(NOW, SETTINGS)
        return check(logged, watched, periods, SETTINGS, "the log", forced=forced)

    return looked


def test_where_nothing_has_changed_nothing_is_to_be_done(scorer, look):
    drawn = customers()

    found = look(log_of(served(scorer, drawn, moments(ROWS)), drawn.churned))

    assert (found.decision.retrain, found.decision.reasons) == (False, ())
    assert found.comparison.level == "ok"
    # 7 of 20 days are compared, the outcomes of all are held against the baseline.
    assert found.comparison.rows == found.scored == found.estimated.n == ROWS * 7 // 20
    assert found.known == found.quality.n == ROWS
    assert not any(one.fallen for one in found.quality.metrics.values())


def test_customers_of_another_world_are_a_reason(scorer, look):
    found = look(log_of(served(scorer, customers("strong"), moments(ROWS, since=5))))

    assert found.decision.retrain
    assert any("monthly_charges has drifted: PSI" in one for one in found.decision.reasons)


def test_what_happened_before_the_window_is_no_drift(scorer, look):
    logged = log_of(served(scorer, customers("strong"), moments(ROWS, since=20, until=8)))

    found = look(logged)

    assert not found.decision.retrain
    assert (found.comparison.rows, found.comparison.drifts, found.estimated.n) == (0, {}, 0)


def test_worse_outcomes_are_a_reason_though_the_customers_are_the_same(scorer, look):
    drawn = customers()
    outcomes = np.random.default_rng(0).random(ROWS) < 0.3

    found = look(log_of(served(scorer, drawn, moments(ROWS)), outcomes))

    assert found.comparison.level == "ok"
    assert found.decision.retrain
    assert all(" is worse by " in one for one in found.decision.reasons)
    # What is estimated from the probabilities alone cannot see it.
    assert found.estimated.metrics["roc_auc"].value > 0.75 > found.quality.metrics["roc_auc"].value


def test_another_model_answers_for_itself(scorer, look):
    """Its customers have the columns of all, but its score and its outcomes are its own."""
    drawn = customers()
    outcomes = np.random.default_rng(0).random(ROWS) < 0.3

    found = look(log_of(served(scorer, drawn, moments(ROWS, since=6), version="v0"), outcomes))

    assert not found.decision.retrain
    assert (found.comparison.rows, found.scored, found.known) == (ROWS, 0, 0)
    assert "age" in found.comparison.drifts
    assert "churn_probability" not in found.comparison.drifts
    assert found.quality is None


def test_a_customer_counts_once_as_last_asked_about(scorer, look):
    drawn = customers(rows=200)
    early = served(scorer, drawn, moments(200, since=6, until=3))
    late = served(scorer, drawn, moments(200, since=3))

    found = look(log_of([*early, *late]))

    assert found.comparison.rows == 200
    assert found.comparison == look(log_of(late)).comparison


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"age_days": 31.0}, "the model is 31 days old; 30 are allowed"),
        ({"forced": True}, "asked for"),
    ],
)
def test_age_and_a_wish_are_reasons_even_where_nothing_is_logged(look, how, reason):
    assert look(log_of([]), **how).decision.reasons == (reason,)
    assert not look(log_of([])).decision.retrain


def test_without_a_baseline_no_quality_is_judged(scorer, look):
    drawn = customers()
    logged = log_of(served(scorer, drawn, moments(ROWS)), ~drawn.churned)

    found = look(logged, baseline=None)

    assert (found.quality, found.known, found.decision.retrain) == (None, ROWS, False)


def test_the_summary_is_plain_and_says_how_many_rows(scorer, look):
    drawn = customers(rows=300)
    found = look(log_of(served(scorer, drawn, moments(300, since=6)), drawn.churned[:250]))

    summary = found.summary()

    assert summary["rows"] == {"window": 300, "scored_by_this_model": 300, "with_outcome": 250}
    assert summary["quality"]["n"] == 250
    assert (summary["retrain"], summary["level"]) == (found.decision.retrain, "ok")
    json.dumps(summary, allow_nan=False)


def test_the_log_of_another_table_is_an_error(look):
    with pytest.raises(OtherTableLogged, match="the log: what is logged is not of table telco"):
        look(log_of([prediction(at=NOW - DAY, values={"colour": "red"})]))
