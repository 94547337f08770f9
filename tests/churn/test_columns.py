import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.columns import Taken, Words, contract_columns, most_frequent, numbered, row_count, take
from churn.contract import Contract
from churn.errors import InvalidColumns

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "target": {"column": "left", "positive": "Yes", "negative": "No"},
        "columns": {
            "age": {"type": "integer", "required": True},
            "plan": {"type": "category"},
            "usage": {"type": "number"},
            "paperless": {"type": "boolean"},
        },
    }
)
WORDS = np.array(["Basic", None], dtype=object)


def test_the_number_of_rows_is_the_length_of_every_column():
    assert row_count({"a": np.zeros(3), "b": np.ones(3)}) == 3
    assert row_count({"a": np.zeros(0)}) == 0


@pytest.mark.parametrize(
    ("columns", "lengths"),
    [({"a": np.zeros(3), "b": np.zeros(2)}, r"\[2, 3\]"), ({}, r"\[\]")],
    ids=["two lengths", "no columns"],
)
def test_columns_of_no_one_length_are_refused_with_the_lengths(columns, lengths):
    with pytest.raises(InvalidColumns, match=f"must be of one length, got {lengths}"):
        row_count(columns)


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, True])])
def test_rows_are_taken_from_every_column_alike(rows):
    columns = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array(["x", None, "z"], dtype=object)}
    taken = take(columns, rows)
    assert sorted(taken["a"]) == [1.0, 3.0]
    assert [*zip(taken["a"], taken["b"], strict=True)] == [
        (number, {1.0: "x", 3.0: "z"}[number]) for number in taken["a"]
    ]


@pytest.mark.parametrize(
    "rows", [slice(1, 3), np.array([3, 0]), np.array([True, False, True, True])]
)
def test_rows_of_rows_are_those_of_the_table(rows):
    columns = {"a": np.arange(6.0), "b": np.array([*"uvwxyz"], dtype=object)}
    some = np.array([5, 1, 2, 0])

    lazy = Taken(columns, some)

    assert (row_count(lazy), [*lazy]) == (4, ["a", "b"])
    for name, values in columns.items():
        assert lazy[name].tolist() == values[some].tolist()
        assert take(lazy, rows)[name].tolist() == values[some][rows].tolist()


def test_columns_come_out_in_the_order_and_form_of_the_contract():
    given = {"plan": WORDS, "age": np.array([30, 40]), "paperless": np.array([True, False])}
    complete = contract_columns(given, CONTRACT)
    assert [*complete] == ["age", "plan", "usage", "paperless"]
    assert complete["age"].dtype == np.float64
    assert complete["paperless"].tolist() == [1.0, 0.0]
    assert complete["plan"].tolist() == ["Basic", None]


def test_an_optional_column_that_is_absent_is_missing_in_every_row():
    complete = contract_columns({"age": np.array([30.0, 40.0])}, CONTRACT)
    assert np.isnan(complete["usage"]).tolist() == [True, True]
    assert complete["plan"].tolist() == [None, None]


def test_the_columns_that_were_given_stay_as_they_are():
    given = {"age": np.array([30, 40])}
    contract_columns(given, CONTRACT)
    assert [*given] == ["age"]
    assert given["age"].dtype == np.int64


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"age": np.zeros(2), "agee": np.zeros(2)}, "unknown column 'agee'"),
        ({"age": np.zeros(2), "left": np.zeros(2)}, "unknown column 'left'"),
        ({"plan": WORDS}, "required column 'age' is absent"),
        ({"age": WORDS}, r"column 'age' must be a flat array of numbers"),
        ({"age": np.array(["1", "2"])}, r"column 'age' must be a flat array of numbers"),
        ({"age": np.zeros((2, 1))}, r"column 'age' must be a flat array"),
        ({"age": np.zeros(2), "plan": np.zeros(2)}, r"column 'plan' must be a flat array of text"),
        ({"age": np.zeros(2), "plan": WORDS[:1]}, "must be of one length"),
    ],
)
def test_wrong_columns_are_refused_with_the_names_of_the_contract(columns, problem):
    known = r"The contract's columns are: (age, plan, usage, paperless|age, plan|age)\."
    with pytest.raises(InvalidColumns, match=f"{problem}.*{known}"):
        contract_columns(columns, CONTRACT)


# categories that know their levels

levels = st.lists(st.sampled_from(["a", "b", "", "Month-to-month"]), unique=True, max_size=4)


@given(data=st.data(), levels=levels)
def test_words_are_an_array_like_any_other(data, levels):
    known = np.array([*levels, None], dtype=object)
    codes = np.array(data.draw(st.lists(st.integers(0, len(levels)))), dtype=np.int64)
    words, plain = Words.of(known, codes), known[codes]
    rows = data.draw(st.sampled_from([slice(1, 3), slice(None, None, -1), codes == 0, codes[:0]]))

    for one, other in (
        (words, plain),
        (words[rows], plain[rows]),
        (words[rows].copy(), plain[rows]),
    ):
        assert one.tolist() == other.tolist()
        for word in (*levels, None, "c", 1):
            assert (one == word).tolist() == [v == word for v in other.tolist()]
            assert (one != word).tolist() == [v != word for v in other.tolist()]
        assert (one == other).all()
    assert [*words] == plain.tolist()
    assert [words[i] for i in range(len(plain))] == plain.tolist()
    with pytest.raises(ValueError, match="read-only"):
        words[:] = "c"


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=30))
def test_a_category_that_knows_its_levels_is_counted_and_numbered_as_any_other(values):
    levels = ["b", None, "never", "a", "c"]
    plain = np.array(values, dtype=object)
    words = Words.of(np.array(levels, dtype=object), np.array([*map(levels.index, values)], int))
    numbers = {"a": 3.0, "b": 1.0, None: 2.0}

    assert most_frequent(words, 2) == most_frequent(plain, 2)
    assert numbered(words, numbers, -1).tolist() == [numbers.get(one, -1) for one in values]
    assert numbered(plain, numbers, -1).tolist() == numbered(words, numbers, -1).tolist()
