"""Data frames: clean values stay as they are, usual spellings are understood, the rest is named."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from churn.contract import CategoryColumn
from churn.errors import InvalidColumns
from churn.frames import to_columns
from churn.settings import PLACEHOLDERS, SyntheticSource
from churn.synthetic import draw
from churn.tables import arrow_type, to_arrow
from tests.small import TELCO


@pytest.fixture(scope="module")
def columns():
    source = SyntheticSource(
        kind="synthetic",
        history=PLACEHOLDERS[0],
        current=PLACEHOLDERS[1],
        seed=3,
        history_rows=200,
        current_rows=1,
        drift="none",
    )
    return draw(source, "history").columns


@pytest.fixture(scope="module")
def clean(columns):
    """The frame that pandas reads from a clean table."""
    typed = {name: to_arrow(columns[name], arrow_type(c)) for name, c in TELCO.columns.items()}
    return pa.table(typed).to_pandas()


def _assert_same(found, expected):
    assert [*found] == [*expected]
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_a_clean_table_comes_back_bit_for_bit(clean, columns):
    _assert_same(to_columns(clean, TELCO), {name: columns[name] for name in TELCO.columns})


def test_order_index_and_other_columns_do_not_matter(clean):
    other = clean[clean.columns[::-1]].assign(customer_id="C1", churn="Yes", shoe_size=[{}] * 200)

    _assert_same(to_columns(other.set_index(np.arange(200) % 7), TELCO), to_columns(clean, TELCO))


def test_pandas_own_types_for_gaps_mean_the_same(clean):
    _assert_same(to_columns(clean.convert_dtypes(), TELCO), to_columns(clean, TELCO))


def test_text_as_an_export_has_it_is_understood(clean):
    words = {True: " yes", False: "N", None: "n/a"}
    spelled = clean.assign(
        tv_service=[words[None if pd.isna(v) else v] for v in clean["tv_service"]],
        age=[f" {value}" for value in clean["age"]],
        contract=[None if pd.isna(v) else v.upper() for v in clean["contract"]],
    )

    _assert_same(to_columns(spelled, TELCO), to_columns(clean, TELCO))


def test_a_column_that_is_not_there_is_left_to_the_scorer(clean):
    assert "tv_service" not in to_columns(clean.drop(columns="tv_service"), TELCO)


def test_what_is_known_only_after_the_event_is_no_input(clean):
    late = TELCO.columns["late_payments"].model_copy(update={"after_event": True})
    contract = TELCO.model_copy(update={"columns": {**TELCO.columns, "late_payments": late}})

    found = to_columns(clean.assign(late_payments="not counted yet"), contract)

    assert set(TELCO.columns) - set(found) == {"late_payments"}


def test_no_rows_are_no_error(clean):
    found = to_columns(clean.iloc[:0], TELCO)

    for name, column in TELCO.columns.items():
        assert found[name].shape == (0,)
        assert found[name].dtype == (object if isinstance(column, CategoryColumn) else np.float64)


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("age", "old", "column 'age': old: not integer"),
        ("age", float("inf"), "column 'age': inf: not"),
        ("tv_service", "perhaps", "column 'tv_service': perhaps: not boolean: Yes or No"),
        ("tv_service", 2, "column 'tv_service': 2: not boolean"),
        ("monthly_charges", "12 USD", "column 'monthly_charges': 12 USD: not"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(clean, name, value, match):
    with pytest.raises(InvalidColumns, match=match):
        to_columns(clean.assign(**{name: value}), TELCO)


def test_values_of_mixed_types_are_refused_by_name(clean):
    mixed = clean.assign(age=[1, "2"] * 100)

    with pytest.raises(InvalidColumns, match="column 'age': "):
        to_columns(mixed, TELCO)


def test_a_column_that_is_there_twice_is_refused_by_name(clean):
    with pytest.raises(InvalidColumns, match="column 'age': "):
        to_columns(pd.concat([clean, clean[["age"]]], axis=1), TELCO)
