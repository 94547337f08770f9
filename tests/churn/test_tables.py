import csv as csv_library
import io
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.columns import Words
from churn.contract import Contract
from churn.files import write_parquet
from churn.tables import arrow_type, csv, labels, read_columns, to_arrow, to_columns

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "target": {"column": "left", "positive": "Yes", "negative": "No"},
        "columns": {
            "age": {"type": "integer"},
            "charge": {"type": "number"},
            "plan": {"type": "category"},
            "paperless": {"type": "boolean"},
        },
    }
)
FINITE_OR_MISSING = st.floats(allow_infinity=False, allow_nan=False) | st.just(math.nan)


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("age", pa.int64()),
        ("charge", pa.float64()),
        ("plan", pa.dictionary(pa.int32(), pa.string())),
        ("paperless", pa.bool_()),
    ],
)
def test_a_column_is_stored_under_the_type_of_its_contract(name, stored):
    assert arrow_type(CONTRACT.columns[name]) == stored


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(FINITE_OR_MISSING, max_size=20))
def test_numbers_survive_the_way_to_arrow_and_back_to_the_last_bit(numbers):
    values = np.array(numbers, dtype=np.float64)
    stored = pa.table({"x": to_arrow(values)})
    assert stored.column("x").null_count == np.isnan(values).sum()
    back = to_columns(stored, ["x"])["x"]
    np.testing.assert_array_equal(back, values)
    assert (
        np.signbit(back[~np.isnan(back)]).tolist() == np.signbit(values[~np.isnan(values)]).tolist()
    )


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.none() | st.text(max_size=8), max_size=20))
def test_words_survive_the_way_to_arrow_and_back(words):
    values = np.array([*words, None], dtype=object)[:-1]
    back = to_columns(pa.table({"x": to_arrow(values)}), ["x"])["x"]
    assert back.dtype == object
    assert back.tolist() == words


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.lists(st.sampled_from([0.0, 1.0, math.nan]), max_size=20))
@pytest.mark.parametrize("stored", [pa.bool_(), pa.int64()], ids=str)
def test_yes_no_and_integers_survive_with_their_gaps(stored, numbers):
    values = np.array(numbers, dtype=np.float64)
    array = to_arrow(values, stored)
    assert array.type == stored
    back = to_columns(pa.table({"x": array}), ["x"])["x"]
    assert back.dtype == np.float64
    np.testing.assert_array_equal(back, values)


def test_plain_text_columns_are_words():
    back = to_columns(pa.table({"x": pa.array(["a", None])}), ["x"])["x"]
    assert back.dtype == object
    assert back.tolist() == ["a", None]


def test_a_table_of_several_chunks_is_one_column():
    parts = [pa.table({"x": to_arrow(np.array([w, None], dtype=object))}) for w in ("a", "b")]
    assert to_columns(pa.concat_tables(parts), ["x"])["x"].tolist() == ["a", None, "b", None]


def test_only_the_named_columns_come_in_the_order_asked_for():
    table = pa.table({"a": [1.0], "b": [2.0], "c": [3.0]})
    assert [*to_columns(table, ["c", "a"])] == ["c", "a"]


def test_columns_of_a_file_are_those_of_its_table(tmp_path):
    values = {
        "plan": np.array(["b", None, "a"], dtype=object),
        "paperless": np.array([1.0, np.nan, 0.0]),
        "charge": np.array([0.1, -0.0, np.nan]),
    }
    stored = {"paperless": pa.bool_()}
    table = pa.table({name: to_arrow(of, stored.get(name)) for name, of in values.items()})
    write_parquet(tmp_path / "some.parquet", table)

    found = read_columns(tmp_path / "some.parquet", ["charge", "plan", "paperless"])

    assert [*found] == ["charge", "plan", "paperless"]
    for name, column in found.items():
        assert column.dtype == values[name].dtype
        np.testing.assert_array_equal(column, values[name])
    assert isinstance(found["plan"], Words)


def test_outcomes_are_one_for_churners_and_nan_where_unknown():
    table = pa.table({"left": pa.array([True, False, None])})
    np.testing.assert_array_equal(labels(table, CONTRACT), [1.0, 0.0, np.nan])


def test_without_an_outcome_every_label_is_unknown():
    assert np.isnan(labels(pa.table({"age": [1, 2]}), CONTRACT)).tolist() == [True, True]


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_a_csv_holds_floats_in_full_precision(numbers):
    values = np.array(numbers)
    header, *lines = csv({"x": values, "y": -values}).splitlines()
    assert header == "x,y"
    read = np.array([[float(word) for word in line.split(",")] for line in lines])
    assert read[:, 0].tobytes() == values.tobytes()
    assert read[:, 1].tobytes() == (-values).tobytes()


def test_a_csv_ends_with_a_newline_and_writes_integers_as_such():
    assert csv({"n": np.array([1, 2]), "x": np.array([0.1, 2.0])}) == "n,x\n1,0.1\n2,2.0\n"


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8), max_size=20))
def test_words_survive_in_a_csv_beside_numbers(words):
    text = csv({"input": np.array([*words, ""], dtype=object)[:-1], "n": np.arange(len(words))})
    header, *rows = csv_library.reader(io.StringIO(text, newline=""))
    assert header == ["input", "n"]
    assert rows == [[word, str(number)] for number, word in enumerate(words)]


def test_words_with_a_comma_are_quoted_in_a_csv():
    columns = {"input": np.array(['of "day", EUR', "plan"], dtype=object), "x": np.array([0.5, 1])}
    assert csv(columns) == 'input,x\n"of ""day"", EUR",0.5\nplan,1.0\n'


def test_columns_of_different_lengths_make_no_csv():
    with pytest.raises(ValueError, match="shorter"):
        csv({"x": np.zeros(2), "y": np.zeros(1)})
