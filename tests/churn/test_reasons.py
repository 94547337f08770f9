"""Reasons: they add up to the margin to the last bit, and say what a person would say."""

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from churn import reasons
from churn.bundle import Bundle
from churn.columns import take
from churn.contract import Contract
from churn.errors import InvalidColumns
from churn.reasons import Reason
from churn.scoring import Scorer

pytestmark = pytest.mark.usefixtures("one_thread")
quick = settings(deadline=None, max_examples=40)
MANY = 100  # more than there are inputs


def _shopper(**different):
    """One shopper, as columns."""
    usual = {"visits": 9.0, "spent": 900.0, "member": 1.0, "plan": "Basic", "distance": 0.9}
    return {
        name: np.array([value], dtype=object if name == "plan" else np.float64)
        for name, value in {**usual, **different}.items()
    }


# adding up


@quick
@given(rows=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_contributions_and_base_add_up_to_the_margin_exactly_in_any_order(scorer, worn, rows, seed):
    columns = worn(rows, seed)

    found = reasons.contributions(scorer, columns)

    parts = np.column_stack([found.base, found.values])
    totals = np.zeros(rows)
    for i in np.random.default_rng(seed).permutation(parts.shape[1]):
        totals += parts[:, i]
    assert totals.tolist() == scorer.margins(columns).tolist()
    assert parts.sum(axis=1).tolist() == totals.tolist()
    assert (found.values * 2.0**32 % 1 == 0).all()  # why the order does not matter


def test_they_are_the_contributions_of_xgboost_with_each_category_in_one_piece(scorer, customers):
    preprocessor = scorer.bundle.manifest.preprocessor
    data = xgboost.DMatrix(preprocessor.matrix(scorer.features(customers)))
    raw = scorer.bundle.booster.predict(data, pred_contribs=True).astype(np.float64)

    found = reasons.contributions(scorer, customers)

    for i, name in enumerate(found.inputs):
        own = [j for j, of in enumerate(preprocessor.names) if of.split("=")[0] == name]
        assert found.values[:, i] == pytest.approx(raw[:, own].sum(axis=1), abs=1e-9)
    assert found.base == pytest.approx(raw[:, -1], abs=2e-5)


def test_the_base_is_the_same_for_everyone_but_for_rounding(scorer, customers):
    base = reasons.contributions(scorer, customers).base

    assert np.ptp(base) < 2e-5


def test_the_number_of_threads_does_not_change_a_bit(scorer, customers):
    seen = set()
    for threads in (1, 2):
        scorer.bundle.booster.set_param({"nthread": threads})
        with threadpool_limits(threads):
            found = reasons.contributions(scorer, customers)
        seen.add((found.values.tobytes(), found.base.tobytes()))
    scorer.bundle.booster.set_param({"nthread": 1})

    assert len(seen) == 1


@settings(deadline=None, max_examples=10)
@given(rows=st.integers(2, 10), seed=st.integers(0, 1000))
def test_a_row_has_the_same_reasons_alone_as_among_others(scorer, worn, rows, seed):
    columns = worn(rows, seed)

    together = reasons.reasons(scorer, columns, top=MANY)

    for i in range(rows):
        assert reasons.reasons(scorer, take(columns, slice(i, i + 1)), MANY) == [together[i]]


def test_a_bundle_read_back_gives_the_same_reasons(scorer, customers, tmp_path):
    scorer.bundle.save(tmp_path)

    again = Scorer(Bundle.load(tmp_path))

    assert reasons.reasons(again, customers, 3) == reasons.reasons(scorer, customers, 3)


def test_nobody_has_no_reasons(scorer, customers):
    nobody = take(customers, slice(0, 0))

    assert reasons.reasons(scorer, nobody, top=3) == []
    inputs = scorer.bundle.manifest.preprocessor.inputs
    assert reasons.contributions(scorer, nobody).values.shape == (0, len(inputs))


def test_a_column_that_is_no_input_is_refused(scorer, customers):
    with pytest.raises(InvalidColumns, match=r"unknown column 'shoe_size'.*columns are:"):
        reasons.reasons(scorer, {**customers, "shoe_size": np.zeros(500)}, 3)


# which reasons


def test_the_strongest_come_first_whether_they_push_up_or_down(scorer, customers):
    found = reasons.contributions(scorer, customers)

    top = reasons.reasons(scorer, customers, top=4)

    for i, best in enumerate(top):
        strength = np.sort(np.abs(found.values[i]))[::-1]
        assert [abs(one.contribution) for one in best] == strength[:4].tolist()
    assert {one.contribution > 0 for best in top for one in best} == {True, False}


def test_an_input_that_adds_nothing_is_no_reason(scorer, customers):
    found = reasons.contributions(scorer, customers)
    assert (found.values == 0).any()  # a column that no tree asks for

    for values, all_of_them in zip(
        found.values, reasons.reasons(scorer, customers, MANY), strict=True
    ):
        assert len(all_of_them) == np.count_nonzero(values)
        assert all(one.contribution for one in all_of_them)


def _one_tree_for_each_of_two(rows, outcomes):
    """Trees that learn from the same outcomes, each from another one of two columns."""
    for seed in range(100):
        parameters = {"num_parallel_tree": 2, "colsample_bytree": 0.5, "max_depth": 1, "seed": seed}
        booster = xgboost.train({**parameters, "nthread": 1}, xgboost.DMatrix(rows, outcomes), 1)
        if len(booster.get_fscore()) == 2:
            return booster
    raise AssertionError("both trees always see the same column")


def test_equal_contributions_stand_in_the_order_of_the_inputs(trained):
    contract = Contract.model_validate(
        {
            "name": "twins",
            "target": {"column": "left", "positive": "yes", "negative": "no"},
            "columns": {"zeta": {"type": "boolean"}, "alpha": {"type": "boolean"}},
        }
    )
    zeta, alpha = np.array([0.0, 0, 1, 1] * 50), np.array([0.0, 1, 0, 1] * 50)
    either = np.maximum(zeta, alpha)
    bundle = trained(contract, {"zeta": zeta, "alpha": alpha}, either, n_estimators=1).bundle
    booster = _one_tree_for_each_of_two(np.column_stack([zeta, alpha]), (zeta + alpha) / 2)
    twins = Scorer(Bundle(bundle.manifest, bundle.reference, booster))

    found = reasons.reasons(twins, {"zeta": np.array([1.0, 1]), "alpha": np.array([1.0, 0])}, 2)

    assert abs(found[0][0].contribution) == abs(found[0][1].contribution) > 0
    assert abs(found[1][0].contribution) == abs(found[1][1].contribution)
    assert [[one.input for one in best] for best in found] == [["zeta", "alpha"]] * 2
    assert [one.input for (one,) in reasons.reasons(twins, {"zeta": zeta, "alpha": alpha}, 1)] == [
        "zeta"
    ] * 200


# in words


@pytest.mark.parametrize(
    ("name", "given_value", "text"),
    [
        ("spent", 900.0, "900 EUR"),
        ("spent", 12345678.0, "12345678 EUR"),
        ("spent", 64.7531, "64.75 EUR"),
        ("spent", 0.000123456, "0.0001235 EUR"),
        ("spent", 99.999999, "100 EUR"),
        ("spent", 12345.678, "12350 EUR"),
        ("spent", 1e300, "1e+300 EUR"),
        ("spent", -0.0, "0 EUR"),
        ("spent", -2.5, "-2.5 EUR"),
        ("spent", np.nan, "missing"),
        ("visits", 9.0, "9"),
        ("member", 1.0, "yes"),
        ("member", 0.0, "no"),
        ("member", np.nan, "missing"),
        ("plan", "Basic", "Basic"),
        ("plan", "Carrier pigeon", "Carrier pigeon"),
        ("plan", None, "missing"),
    ],
)
def test_a_value_is_told_in_words(shop, name, given_value, text):
    (found,) = reasons.reasons(shop.scorer, _shopper(**{name: given_value}), top=MANY)

    assert {one.input: one.value for one in found}[name] == text


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (Reason("contract", "Month-to-month", 0.2149), "contract is Month-to-month: +0.21"),
        (Reason("tenure_months", "4 months", -0.316), "tenure_months is 4 months: -0.32"),
        (Reason("senior", "yes", -0.001), "senior is yes: +0.00"),
        (Reason("spent", "missing", 12.0), "spent is missing: +12.00"),
    ],
)
def test_a_reason_is_told_in_words(reason, text):
    assert reason.text == text


def test_a_derived_feature_is_told_by_its_name(scorer, customers):
    told = [one.input for best in reasons.reasons(scorer, customers, MANY) for one in best]

    assert {"calls_per_month", "loyalty_level"} & {*told}


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("support_calls", 0.0, 6.0),
        ("contract", "Two year", "Month-to-month"),
        ("late_payments", 0.0, 5.0),
    ],
)
def test_what_drives_customers_away_is_given_as_the_reason(scorer, customers, name, better, worse):
    def mean_contribution(value):
        column = np.full(500, value, dtype=customers[name].dtype)
        found = reasons.contributions(scorer, {**customers, name: column})
        return found.values[:, [*found.inputs].index(name)].mean()

    assert mean_contribution(better) < 0 < mean_contribution(worse)
