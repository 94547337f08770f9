"""From exchanges to rows of the log: every customer once, with what was asked and answered."""

import json
from datetime import UTC, datetime

import numpy as np
import orjson
import pytest

from serve import logged
from serve.answers import Answers
from serve.batches import BatchOptions, answered_bytes
from serve.exchanges import Exchange
from tests.serve.models import SETTINGS, by_column, lineup, requests, some

LINE = lineup()
ANSWERS = Answers.of(LINE.champion.customers, SETTINGS)


def exchange(content, skip=False):
    raw = orjson.dumps(content)
    found = answered_bytes(raw, LINE, ANSWERS, BatchOptions(0, skip), 10_000, "id")
    return Exchange(raw, found.body, 2.5)


def one(customer):
    """What `/predict` has answered."""
    batch = exchange([customer])
    answer = json.loads(batch.answered)["predictions"][0]
    return Exchange(orjson.dumps(customer), orjson.dumps(answer), 0.25)


@pytest.fixture
def columns():
    return some(5, seed=1)


@pytest.fixture
def customers(columns):
    return requests(columns)


def rows(exchange_):
    return [*logged.predicted(logged.pairs(exchange_), "customer_id", exchange_.ms)]


def test_a_row_has_what_was_asked_and_answered(customers):
    given = one(customers[0])
    answer = json.loads(given.answered)

    [row] = rows(given)

    assert row.prediction_id == answer["prediction_id"]
    assert row.predicted_at == datetime.fromisoformat(answer["timestamp"])
    assert row.predicted_at.tzinfo == UTC
    assert row.customer_id == customers[0]["customer_id"]
    expected = {k: v for k, v in customers[0].items() if k != "customer_id" and v is not None}
    assert row.values == expected
    assert (row.probability, row.will_churn) == (answer["churn_probability"], answer["will_churn"])
    assert (row.risk_level, row.model_version) == (answer["risk_level"], answer["model_version"])
    assert row.latency_ms == 0.25


def test_a_list_and_columns_give_the_same_rows(customers, columns):
    as_list, as_columns = rows(exchange(customers)), rows(exchange(by_column(columns)))

    assert [row.customer_id for row in as_list] == [one["customer_id"] for one in customers]
    assert [row.values for row in as_list] == [row.values for row in as_columns]
    assert [row.probability for row in as_list] == [row.probability for row in as_columns]


def test_of_a_batch_with_skip_only_those_who_were_scored(customers):
    given = [{**customers[0], "age": -1}, customers[1], 3, customers[2]]

    found = rows(exchange(given, skip=True))

    assert [row.customer_id for row in found] == [customers[i]["customer_id"] for i in (1, 2)]
    assert found[0].values["age"] == customers[1]["age"]


def test_columns_are_those_that_were_scored(customers):
    pairs = logged.pairs(exchange(customers))

    [(version, group)] = logged.by_model(pairs).items()
    columns = dict(logged.columns(group, LINE.champion.customers))
    scores = columns.pop("churn_probability")

    assert version == LINE.champion.version
    assert np.array_equal(LINE.champion.scorer.probabilities(columns), scores)
