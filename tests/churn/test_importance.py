"""Importance: how strongly each input moves the model, which way, and at which levels."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from churn import importance, reasons
from churn.columns import take
from churn.errors import InvalidColumns

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

    assert {(found[name].strength, found[name].direction) for name in unasked} == {(0, "mixed")}


def test_the_direction_of_a_number_is_the_sign_of_its_rank_correlation(scorer, customers):
    found = reasons.contributions(scorer, customers)
    importances = _by_name(importance.importances(scorer, customers))

    numbers = [name for name, values in found.inputs.items() if values.dtype != object]
    for name in numbers:
        values, own = found.inputs[name], found.values[:, [*found.inputs].index(name)]
        present = ~np.isnan(values)
        if (own[present] == own[present][0]).all():
            assert importances[name].direction == "mixed"
            continue
        rho = spearmanr(values[present], own[present]).statistic
        expected = "mixed" if abs(rho) < 0.3 else "+" if rho > 0 else "-"
        assert importances[name].direction == expected, name
    assert importances["support_calls"].direction == "+"
    assert importances["tenure_months"].direction == "-"


def test_yes_and_no_have_a_direction_and_what_goes_both_ways_is_mixed(shop):
    found = _by_name(importance.importances(shop.scorer, shop.customers(400, seed=1)[0]))

    directions = {name: found[name].direction for name in found if name != "plan"}
    assert directions == {"visits": "+", "spent": "-", "member": "-", "distance": "mixed"}


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
    assert {*by_name["age"]} == {"input", "strength", "direction"}
    assert {*by_name["contract"]} == {"input", "strength", "towards", "away"}
    assert {*by_name["contract"]["away"]} == {"level", "contribution", "rows"}


def test_a_column_that_is_no_input_is_refused(scorer, customers):
    with pytest.raises(InvalidColumns, match=r"unknown column 'shoe_size'.*columns are:"):
        importance.importances(scorer, {**customers, "shoe_size": np.zeros(500)})
