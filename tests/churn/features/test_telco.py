import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from churn.contract import BooleanColumn, CategoryColumn, Contract, IntegerColumn
from churn.features import feature_set
from churn.params import checked

PATH = Path(__file__).parents[3] / "conf/table/telco.yaml"
CONTRACT = checked(Contract, YAML(typ="safe", pure=True).load(PATH), str(PATH))
FEATURES = feature_set(CONTRACT)
NAN = np.nan
CUSTOMER = {
    "age": 48.0,
    "tenure_months": 18.0,
    "monthly_charges": 91.0,
    "total_charges": 1440.0,
    "support_calls": 9.0,
    "late_payments": 3.0,
    "data_usage_gb": 28.0,
    "call_minutes": 300.0,
    "internet_service": "Fiber",
    "contract": "One year",
    "payment_method": "Credit card",
    "phone_service": 1.0,
    "tv_service": 0.0,
    "streaming_service": 1.0,
    "paperless_billing": 1.0,
}


def columns_of(rows):
    """Rows as columns, each of its contract's form."""
    return {
        name: np.array(
            [row[name] for row in rows],
            dtype=object if isinstance(column, CategoryColumn) else np.float64,
        )
        for name, column in CONTRACT.columns.items()
    }


def computed(feature, **changes):
    value = FEATURES.compute(columns_of([{**CUSTOMER, **changes}]))[feature][0]
    return None if value is None or value != value else value  # noqa: PLR0124  NaN


def same_bits(one, other):
    if one.dtype == object:
        return one.tolist() == other.tolist()
    return one.tobytes() == other.tobytes()


def test_the_model_has_at_least_25_inputs():
    assert len(FEATURES.names) >= 25
    assert len(set(FEATURES.names)) == len(FEATURES.names)


@pytest.mark.parametrize(("months", "new"), [(0, 1), (2, 1), (3, 0), (600, 0), (NAN, None)])
def test_a_customer_is_new_in_the_first_three_months(months, new):
    assert computed("is_new_customer", tenure_months=months) == new


@pytest.mark.parametrize(
    ("months", "level"),
    [
        (0, "New"),
        (5, "New"),
        (6, "Regular"),
        (23, "Regular"),
        (24, "Loyal"),
        (60, "Loyal"),
        (61, "Champion"),
        (600, "Champion"),
        (NAN, None),
    ],
)
def test_loyalty_grows_at_6_and_24_months_and_after_60(months, level):
    assert computed("loyalty_level", tenure_months=months) == level


@pytest.mark.parametrize(
    ("feature", "changes", "value"),
    [
        ("tenure_years", {}, 1.0),
        ("tenure_years", {"tenure_months": 11}, 0.0),
        ("tenure_years", {"tenure_months": 24}, 2.0),
        ("age_at_start", {}, 46.5),
        ("customer_lifetime_value", {}, 1638.0),
        ("customer_lifetime_value", {"tenure_months": 0}, 0.0),
        ("average_charge", {}, 80.0),
        ("average_charge", {"tenure_months": 0, "total_charges": 50.0}, 50.0),
        ("average_charge", {"total_charges": NAN}, None),
        ("charge_increase", {}, 11.0),
        ("charge_increase", {"total_charges": 1800.0}, -9.0),
        ("charge_increase", {"total_charges": NAN}, None),
        ("price_per_gb", {}, 3.25),
        ("price_per_gb", {"data_usage_gb": 0.0}, 91.0),
        ("price_per_gb", {"data_usage_gb": 0.5}, 91.0),
        ("price_per_gb", {"data_usage_gb": NAN}, None),
        ("charge_to_typical", {}, 1.4),
        ("charge_to_typical", {"monthly_charges": 65.0}, 1.0),
        ("late_payment_rate", {"late_payments": 9.0}, 0.5),
        ("late_payment_rate", {"tenure_months": 0}, 3.0),
        ("late_payment_rate", {"late_payments": NAN}, None),
        ("total_services", {}, 3.0),
        ("total_services", {"tv_service": 1.0}, 4.0),
        ("total_services", {"internet_service": "DSL"}, 3.0),
        ("total_services", {"internet_service": "None"}, 2.0),
        ("total_services", {"internet_service": None}, 2.0),
        ("total_services", {"phone_service": NAN, "streaming_service": NAN}, 1.0),
        ("service_adoption_rate", {}, 0.75),
        ("price_per_service", {"monthly_charges": 90.0}, 30.0),
        (
            "price_per_service",
            {"phone_service": 0.0, "streaming_service": 0.0, "internet_service": "None"},
            91.0,
        ),
        ("calls_per_month", {}, 0.5),
        ("calls_per_month", {"tenure_months": 0}, 9.0),
        ("problems", {}, 12.0),
        ("problems", {"late_payments": NAN}, None),
        ("pays_automatically", {}, 1.0),
        ("pays_automatically", {"payment_method": "Bank transfer"}, 1.0),
        ("pays_automatically", {"payment_method": "Mailed check"}, 0.0),
        ("pays_automatically", {"payment_method": "Electronic check"}, 0.0),
        ("pays_automatically", {"payment_method": None}, None),
    ],
)
def test_a_feature_has_the_value_worked_out_by_hand(feature, changes, value):
    assert computed(feature, **changes) == value


def test_every_feature_is_tested_by_hand():
    (table,) = test_a_feature_has_the_value_worked_out_by_hand.pytestmark
    tested = {feature for feature, _, _ in table.args[1]}
    assert {*FEATURES.functions} - tested == {"is_new_customer", "loyalty_level"}


@pytest.mark.parametrize("function", FEATURES.functions.values(), ids=FEATURES.functions.keys())
def test_a_feature_has_a_description_and_never_sees_the_target_or_the_id(function):
    parameters = set(inspect.signature(function).parameters)
    assert parameters <= {*FEATURES.names, *CONTRACT.constants}
    assert not parameters & {CONTRACT.target.column, CONTRACT.id}
    assert inspect.getdoc(function)


def values_of(column):
    """Every value that the contract allows; optional ones may be missing."""
    if isinstance(column, CategoryColumn):
        return st.sampled_from([*column.values, None])
    if isinstance(column, BooleanColumn):
        return st.sampled_from([0.0, 1.0, NAN])
    if isinstance(column, IntegerColumn):
        numbers = st.integers(int(column.min), int(column.max)).map(float)
    else:
        low, above = column.min, column.above
        numbers = st.floats(
            low if above is None else above, column.max, exclude_min=above is not None
        )
    return numbers if column.required else numbers | st.just(NAN)


ROWS = st.lists(
    st.fixed_dictionaries({name: values_of(one) for name, one in CONTRACT.columns.items()}),
    min_size=1,
    max_size=8,
)
NOTHING_YET = {
    name: None if isinstance(column, CategoryColumn) else 0.0
    for name, column in CONTRACT.columns.items()
} | {"age": 18.0, "monthly_charges": 5e-324}


@settings(deadline=None, max_examples=80, derandomize=True)
@given(ROWS)
def test_no_allowed_customer_gives_an_infinite_feature_or_a_warning(rows):
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        found = FEATURES.compute(columns_of([*rows, NOTHING_YET]))
    numbers = {name: values for name, values in found.items() if values.dtype != object}
    assert [name for name, values in numbers.items() if np.isinf(values).any()] == []


@settings(deadline=None, max_examples=80, derandomize=True)
@given(ROWS)
def test_a_row_alone_has_the_same_bits_as_in_a_batch(rows):
    batch = FEATURES.compute(columns_of(rows))
    for number, row in enumerate(rows):
        alone = FEATURES.compute(columns_of([row]))
        differ = [n for n in alone if not same_bits(alone[n], batch[n][number : number + 1])]
        assert differ == []


@settings(deadline=None, max_examples=40, derandomize=True)
@given(ROWS)
def test_computing_features_leaves_the_columns_as_they_are(rows):
    columns = columns_of(rows)
    FEATURES.compute(columns)
    fresh = columns_of(rows)
    assert all(same_bits(columns[name], fresh[name]) for name in fresh)


def test_only_missing_inputs_make_a_number_missing():
    found = FEATURES.compute(columns_of([CUSTOMER]))
    missing = [n for n, v in found.items() if v[0] is None or v[0] != v[0]]
    assert missing == []
