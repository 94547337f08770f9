"""The model card: what was measured, marked and warned of, and no markup from a table's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from churn.evaluation import Evaluation
from churn.evaluation_page import MEANINGS, Pipeline
from churn.leaks import Alarm
from churn.model_card import model_card
from churn.slices import GAP, MARKED, Difference, Quality, Slice
from tests.small import small_parameters

pytestmark = pytest.mark.usefixtures("one_thread")
PIPELINE = Pipeline(
    rows={"history": {"rows_in": 1234, "quarantined": 21, "duplicates": 13, "rows_out": 1200}},
    validation={},
    training={
        "inputs": 5,
        "decision": {"method": "f1"},
        "search": {"method": "none", "model": {"max_depth": 3}},
    },
)


@pytest.fixture(scope="module")
def card_of(shop: Any) -> Callable[[Evaluation], str]:
    made = small_parameters(1)
    return lambda one: model_card(one, shop.scorer.bundle, PIPELINE, made.source, made.balance)


@pytest.fixture(scope="module")
def evaluation(shop: Any) -> Evaluation:
    return shop.evaluated(knows_truth=True)


def lines(card: str, start: str) -> list[str]:
    return [line for line in card.splitlines() if line.startswith(start)]


def test_every_metric_has_its_value_and_interval(shop, card_of, evaluation):
    card = card_of(evaluation)

    for name in MEANINGS:
        (line,) = lines(card, f"| `{name}` |")
        low, high = evaluation.intervals[name]
        assert f"| {evaluation.metrics[name]:.4f} | {low:.4f} – {high:.4f} |" in line
    assert f"| {evaluation.metrics['ceiling']['roc_auc']:.4f} |" in lines(card, "| `roc_auc`")[0]
    assert card.count(shop.scorer.bundle.sha256) == 2


def test_a_ceiling_that_is_not_known_has_no_column(shop, card_of):
    card = card_of(shop.evaluated())

    assert "true probabilities" not in card
    assert "| metric | value | interval | what it is |" in card


def test_a_kind_of_customers_that_does_worse_is_named(card_of, evaluation):
    none = Difference(0, 0, 0, significant=False, excess=0, unexplained=False)
    worse = Difference(-0.1, -0.2, -0.05, significant=True, excess=-0.1, unexplained=True)
    values = dict.fromkeys((*MEANINGS, GAP), 0.5)
    quality = Quality(values, dict.fromkeys(values, (0.4, 0.6)))
    marked = Slice(
        "plan", "a|b <i>", 90, 30, quality, dict.fromkeys(MARKED, none) | {"recall": worse}
    )
    rare = Slice("plan", "rare", 3, 0, None, {})
    sliced = replace(evaluation.sliced, slices=(marked, rare))

    card = card_of(replace(evaluation, sliced=sliced))

    assert "| plan: a\\|b &lt;i> | 90 | 30 | fewer found than expected |" in card
    assert "Too few to tell: plan: rare." in card


def test_leak_alarms_and_made_up_customers_are_limits(card_of, evaluation):
    alarm = Alarm("single_feature", "fee", "fee alone tells everything")

    card = card_of(replace(evaluation, alarms=(alarm,)))

    assert "- Leak alarm: fee alone tells everything" in lines(card, "- ")
    assert "- The customers are made up. A model of them says nothing of real ones." in card
