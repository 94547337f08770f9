from pathlib import Path

import numpy as np
import pytest

from churn.contract import BooleanColumn, CategoryColumn, IntegerColumn
from churn.params import read_parameters
from churn.settings import FileSource
from churn.synthetic import UPHEAVAL, WORLDS, draw, draw_from, generator, true_probabilities

SHIPPED = read_parameters(Path(__file__).parents[2] / "params.yaml")
CONTRACT = SHIPPED.table


def source(**changes):
    return SHIPPED.source.model_copy(
        update={"history_rows": 500, "current_rows": 500, "drift": "mild", **changes}
    )


@pytest.fixture(scope="module")
def many():
    return draw(source(history_rows=50_000), "history")


def same(one, other):
    columns = all(
        np.array_equal(one.columns[name], other.columns[name], equal_nan=values.dtype != object)
        for name, values in one.columns.items()
    )
    return (
        columns
        and one.ids.tolist() == other.ids.tolist()
        and one.probability.tobytes() == other.probability.tobytes()
        and one.churned.tobytes() == other.churned.tobytes()
    )


@pytest.mark.parametrize("part", ["history", "current"])
def test_the_same_seed_draws_the_same_customers(part):
    assert same(draw(source(), part), draw(source(), part))


@pytest.mark.parametrize("part", ["history", "current"])
def test_another_seed_draws_other_customers(part):
    one, other = draw(source(), part), draw(source(seed=21), part)
    assert (one.probability != other.probability).mean() > 0.99


def test_history_and_current_are_other_customers():
    history, current = draw(source(drift="none"), "history"), draw(source(drift="none"), "current")
    assert not set(history.ids) & set(current.ids)
    assert (history.probability != current.probability).mean() > 0.99


@pytest.mark.parametrize("drift", ["none", "strong"])
def test_the_history_does_not_depend_on_the_drift_or_the_current_customers(drift):
    assert same(draw(source(), "history"), draw(source(drift=drift, current_rows=7), "history"))


def test_streams_of_different_purposes_are_different():
    draws = [
        generator(source(), part, purpose).random()
        for part in ("history", "current")
        for purpose in ("customers", "dirt")
    ]
    assert len(set(draws)) == 4


def test_ids_are_distinct_and_there_are_as_many_customers_as_asked_for(many):
    assert len(set(many.ids)) == 50_000
    assert {len(values) for values in many.columns.values()} == {50_000}


def test_about_26_percent_of_the_history_churn(many):
    assert 0.24 <= many.churned.mean() <= 0.28


def test_outcomes_agree_with_the_true_probabilities(many):
    bands = np.minimum((many.probability * 10).astype(int), 9)
    for band in range(10):
        chosen = bands == band
        expected = many.probability[chosen].mean()
        error = np.sqrt(expected * (1 - expected) / chosen.sum())
        assert abs(many.churned[chosen].mean() - expected) < 4 * error, f"band {band}"


def test_probabilities_are_probabilities_and_differ_among_customers(many):
    assert ((many.probability > 0) & (many.probability < 1)).all()
    assert many.probability.std() > 0.15


def test_drawn_customers_keep_the_contract(many):
    assert set(many.columns) == set(CONTRACT.columns)
    for name, column in CONTRACT.columns.items():
        values = many.columns[name]
        if isinstance(column, CategoryColumn):
            assert set(values) == set(column.values)
        elif isinstance(column, BooleanColumn):
            assert set(values) == {0.0, 1.0}
        else:
            given = values[~np.isnan(values)]
            low = column.min if column.above is None else column.above
            assert given.min() >= low
            assert given.max() <= column.max
            assert not isinstance(column, IntegerColumn) or (given == np.floor(given)).all()


@pytest.mark.parametrize(
    ("cause", "more_churn"),
    [
        (lambda c: c["contract"] == "Month-to-month", True),
        (lambda c: c["tenure_months"] < 6, True),
        (lambda c: c["internet_service"] == "Fiber", True),
        (lambda c: c["support_calls"] >= 3, True),
        (lambda c: c["late_payments"] >= 2, True),
        (lambda c: c["contract"] == "Two year", False),
    ],
    ids=["month to month", "new", "fibre", "calls", "late", "two years"],
)
def test_customers_leave_for_the_reasons_of_real_telecoms(many, cause, more_churn):
    chosen = cause(many.columns)
    assert (many.churned[chosen].mean() > many.churned[~chosen].mean() + 0.05) == more_churn
    assert abs(many.churned[chosen].mean() - many.churned[~chosen].mean()) > 0.05


@pytest.mark.parametrize("column", ["monthly_charges", "support_calls"])
def test_the_current_customers_move_away_as_far_as_the_drift_says(many, column):
    start = many.columns[column].mean()
    none, mild, strong = (
        draw(source(current_rows=50_000, drift=drift), "current").columns[column].mean() - start
        for drift in ("none", "mild", "strong")
    )
    noise = 4 * many.columns[column].std() / np.sqrt(25_000)
    assert abs(none) < noise
    assert mild > none + noise
    assert strong > 2 * mild


def test_strong_drift_leaves_much_of_the_usage_unmeasured(many):
    strong = draw(source(drift="strong"), "current").columns["data_usage_gb"]
    assert np.isnan(strong).mean() > 0.1
    assert np.isnan(many.columns["data_usage_gb"]).mean() < 0.04


def test_true_probabilities_are_those_of_the_ids_in_their_order():
    drawn = draw(source(), "history")
    rows = [499, 0, 7]
    found = true_probabilities(source(), drawn.ids[rows].tolist())
    assert found.tolist() == drawn.probability[rows].tolist()


def test_nobody_knows_the_true_probabilities_of_a_file():
    files = FileSource(kind="csv", history="a.csv", current="b.csv")
    assert true_probabilities(files, ["C1"]) is None


def test_in_the_upheaval_the_same_customers_behave_otherwise():
    def drawn(world):
        return draw_from(world, 2000, np.random.default_rng(0), "C")

    calm, wooed = drawn(WORLDS["strong"]), drawn(UPHEAVAL)

    assert all(
        np.array_equal(calm.columns[name], wooed.columns[name], equal_nan=values.dtype != object)
        for name, values in calm.columns.items()
    )
    settled = (calm.columns["tenure_months"] > 12) & (calm.columns["contract"] != "Two year")
    assert (wooed.probability > calm.probability)[settled].all()
    new = calm.columns["tenure_months"] < 6
    assert (wooed.probability < calm.probability)[new].all()
