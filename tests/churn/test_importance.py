"""Importance: how strongly each input moves the model, which way, and at which levels."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import importance, reasons
from churn.columns import take
from churn.errors import InvalidColumns

quick = settings(deadline=None, max_examples=100)
pytestmark = pytest.mark.usefixtures("one_thread")


def _by_name(importances):
    return {one.input: one for one in importances.inputs}


def test_the_strength_of_an_input_is_its_mean_absolute_contribution(scorer, customers):
    values = reasons.contributions(scorer, customers).values

    found = importance.importances(scorer, customers)

    strengths = [one.strength for one in found.inputs]
    assert strengths == sorted(np.abs(values).mean(axis=0), reverse=True)
    names = [one.name for one in scorer.bundle.manifest.preprocessor.inputs]
    assert sorted(_by_name(found)) == sorted(names)
    assert found.rows == 500


def test_an_input_that_no_tree_asks_for_has_no_strength_and_no_direction(scorer, customers):
    asked = {int(name[1:]) for name in scorer.bundle.booster.get_fscore()}
    unasked = {
        name
        for number, name in enumerate(scorer.bundle.manifest.feature_names)
        if number not in asked and "=" not in name
    }
    assert unasked

    found = _by_name(importance.importances(scorer, customers))

    assert {found[name].strength for name in unasked} == {0}
    assert not {found[name].direction for name in unasked} & {"+", "-"}


def test_a_number_that_pushes_one_way_all_along_has_that_direction(scorer, customers):
    found = _by_name(importance.importances(scorer, customers))

    assert found["support_calls"].direction == "+"
    assert found["tenure_months"].direction == "-"


def test_yes_and_no_are_named_and_what_goes_both_ways_is_mixed(shop):
    found = _by_name(importance.importances(shop.scorer, shop.customers(400, seed=1)[0]))

    assert [found[name].direction for name in ("visits", "spent", "distance")] == [
        "+",
        "-",
        "mixed",
    ]
    member = found["member"]
    assert (member.direction, member.towards.level, member.away.level) == (None, "no", "yes")


@quick
@given(st.lists(st.integers(-5, 40).map(float) | st.floats(-5, 40), min_size=1, max_size=80))
def test_groups_cover_the_values_in_rising_ranges(values):
    given = np.array(values)

    texts, group = importance._groups(given)

    ranges = [given[group == number] for number in range(len(texts))]
    assert all(len(one) for one in ranges)
    assert len(texts) <= 10
    assert all(low.max() < high.min() for low, high in pairwise(ranges))
    for text, one in zip(texts, ranges, strict=True):
        ends = [f"{end:.4g}" for end in (one.min(), one.max())]
        assert text in {" to ".join(ends), ends[0], {"0": "no", "1": "yes"}.get(ends[0])}


def _contributing(bend):
    """The importance of a number of which `bend` gives the contribution."""
    values = np.linspace(0, 10, 500)
    return importance._importance("some", values, bend(values))


@pytest.mark.parametrize(
    ("bend", "direction"),
    [
        (lambda x: x, "+"),
        (lambda x: -np.sqrt(x), "-"),
        # mostly level or falling, and yet at the top the risk is the highest by far
        (lambda x: np.where(x > 9, 3, -0.1 * x), "mixed"),
        (lambda x: (x - 5) ** 2, "mixed"),
        (lambda x: 0 * x, "mixed"),
    ],
    ids=["rising", "falling", "high at the top alone", "high at both ends", "nothing"],
)
def test_a_direction_is_told_only_where_it_is_so_all_along(bend, direction):
    assert _contributing(bend).direction == direction


def test_a_number_without_a_direction_names_the_ranges_that_push_most():
    found = _contributing(lambda x: np.where(x > 9, 3, -0.1 * x))

    assert (found.towards.level, found.towards.contribution) == ("9.018 to 10", 3)
    assert found.away.level == "8.016 to 8.998"
    assert found.towards.rows == found.away.rows == 50


def test_a_category_names_its_levels_that_push_most(scorer, customers):
    contract = _by_name(importance.importances(scorer, customers))["contract"]

    assert (contract.towards.level, contract.away.level) == ("Month-to-month", "Two year")
    assert contract.towards.rows == (customers["contract"] == "Month-to-month").sum()


def _mean_contribution(scorer, columns, name, rows):
    found = reasons.contributions(scorer, columns)
    return found.values[rows, [*found.inputs].index(name)].mean()


def test_the_push_of_a_level_is_its_mean_contribution(shop):
    columns = shop.customers(400, seed=1)[0]

    plan = _by_name(importance.importances(shop.scorer, columns))["plan"]

    for level in (plan.towards, plan.away):
        rows = columns["plan"] == level.level
        assert level.contribution == _mean_contribution(shop.scorer, columns, "plan", rows)
        assert level.rows == rows.sum()


@pytest.mark.parametrize(("doomed", "named"), [(4, "Doomed"), (3, "Basic")])
def test_a_level_that_fewer_than_one_row_in_a_hundred_has_is_not_named(shop, doomed, named):
    columns = shop.customers(400, seed=1)[0]
    columns["plan"] = np.array(["Basic", "Gold"] * 200, dtype=object)
    columns["plan"][:doomed] = "Doomed"

    assert _by_name(importance.importances(shop.scorer, columns))["plan"].towards.level == named


def test_where_every_level_pushes_one_way_none_is_named_for_the_other(shop):
    columns = shop.customers(400, seed=1)[0]
    columns["plan"] = np.full(400, "Doomed", dtype=object)

    plan = _by_name(importance.importances(shop.scorer, columns))["plan"]

    assert (plan.towards.level, plan.away) == ("Doomed", None)


def test_missing_values_are_a_level(scorer, customers):
    columns = {**customers, "contract": np.full(500, None, dtype=object)}

    contract = _by_name(importance.importances(scorer, columns))["contract"]

    named = contract.towards or contract.away
    assert (named.level, named.rows) == ("(missing)", 500)


def test_of_many_rows_some_are_explained_at_even_distances(shop):
    columns = shop.customers(12_500)[0]
    chosen = [i * 12_500 // 5000 for i in range(5000)]  # 0, 2, 5, 7, 10, …

    found = importance.importances(shop.scorer, columns)

    assert found.rows == importance.MOST_ROWS == 5000
    assert found == importance.importances(shop.scorer, take(columns, np.array(chosen)))


@settings(deadline=None, max_examples=10)
@given(rows=st.integers(1, 60), seed=st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_change_a_bit(scorer, worn, rows, seed):
    columns = worn(rows, seed)
    order = np.random.default_rng(seed).permutation(rows)

    found = importance.importances(scorer, columns)

    assert importance.importances(scorer, take(columns, order)) == found


def test_importances_are_told_in_plain_data(scorer, customers):
    summary = importance.importances(scorer, customers).summary()

    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    by_name = {one["input"]: one for one in summary["inputs"]}
    assert {*by_name["age"]} == {"input", "strength", "direction", "towards", "away"}
    assert {*by_name["contract"]["away"]} == {"level", "contribution", "rows"}


def test_a_column_that_is_no_input_is_refused(scorer, customers):
    with pytest.raises(InvalidColumns, match=r"unknown column 'shoe_size'.*columns are:"):
        importance.importances(scorer, {**customers, "shoe_size": np.zeros(500)})
