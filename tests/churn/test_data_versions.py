"""Two versions of the customers: rows, columns, distributions, metrics."""

import numpy as np
import pytest

from churn import data_versions
from churn.columns import Columns
from churn.contract import Contract
from churn.reference import reference
from tests.small import small_parameters

TARGET = {"column": "left", "positive": "Yes", "negative": "No"}
OLD = Contract(
    name="some",
    id="id",
    target=TARGET,
    columns={
        "age": {"type": "integer"},
        "usage": {"type": "number"},
        "plan": {"type": "category", "values": ["A", "B"]},
        "gone": {"type": "number"},
    },
)
NEW = Contract(
    name="some",
    id="id",
    target=TARGET,
    columns={
        "age": {"type": "number"},
        "usage": {"type": "number"},
        "plan": {"type": "category", "values": ["A", "B"]},
        "came": {"type": "boolean"},
    },
)


def _customers(seed: int, shift: float = 0) -> Columns:
    rng = np.random.default_rng(seed)
    plan = np.array(["A", "B"], dtype=object)[rng.integers(2, size=2000)]
    return {"usage": rng.normal(shift, 1, 2000), "plan": plan}


def test_what_became_of_the_rows_stands_side_by_side():
    old = {"history": {"rows_in": 100, "rows_out": 90}}
    new = {"history": {"rows_in": 120, "rows_out": 95}}

    assert data_versions.rows(old, new) == [
        "Rows                A     B",
        "history, rows in    100   120",
        "history, rows out   90    95",
    ]


def test_columns_that_differ_are_named_with_their_types():
    assert data_versions.columns(OLD, NEW) == [
        "Columns   A         B",
        "age       integer   number",
        "gone      number    -",
        "came      -         boolean",
    ]
    assert data_versions.columns(OLD, OLD) == ["Columns: the same."]


def test_only_what_both_know_alike_is_compared():
    assert data_versions.in_both(OLD, NEW) == ["usage", "plan"]


@pytest.mark.parametrize(
    ("shift", "level", "words"),
    [
        (0, "ok", "None of 2 columns has moved."),
        (1, "alarm", "Of 2 columns 1 have moved: usage."),
    ],
)
def test_a_column_that_has_moved_is_named(shift, level, words):
    before = reference({**_customers(0), "gone": np.zeros(2000)}, np.full(2000, 0.3))

    found = data_versions.moved(before, _customers(1, shift), small_parameters(1).drift)

    assert {*found.drifts} == {"usage", "plan"}
    assert found.drifts["usage"].level == level
    assert data_versions.verdict(found) == words
    lines = data_versions.distributions(found)
    assert lines[0].split() == ["Distribution", "PSI", "chance", "level"]
    assert {line.split()[0] for line in lines[1:]} == {"usage", "plan"}


def test_metrics_stand_side_by_side_without_what_is_the_best_possible():
    old, new = {"n": 10, "f1": 0.5, "ceiling": {}}, {"n": 12, "f1": 0.25}

    assert data_versions.metrics(old, new) == [
        "Metrics   A        B",
        "n         10       12",
        "f1        0.5000   0.2500",
    ]
