import datetime
import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from churn.contract import BooleanColumn, CategoryColumn, IntegerColumn, NumberColumn, Target
from churn.parsing import MISSING_WORDS, as_text, parse, parse_id, parse_target

NUMBER, INTEGER = NumberColumn(type="number"), IntegerColumn(type="integer")
BOOLEAN = BooleanColumn(type="boolean")
PLANS = CategoryColumn(type="category", values=("DSL", "Fiber optic", "None", "NA"))
OPEN = CategoryColumn(type="category")
YES_OR_NO = Target(column="churn", positive="Yes", negative="No")
NAN = math.nan


def raw(values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


def read(values, column, kind=None):
    """Values as a list with None for missing or unreadable, and the two masks."""
    parsed = parse(raw(values, kind), column)
    found = [None if v is None or v != v else v for v in parsed.values]  # noqa: PLR0124  NaN
    return found, parsed.missing.tolist(), parsed.unreadable.tolist()


# numbers


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", 42.0),
        (" 42 ", 42.0),
        ("\t42\n", 42.0),
        ("\u00a042", 42.0),
        ("2,159.76", 2159.76),
        ("1,234,567", 1234567.0),
        ("-1,234", -1234.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("+3", 3.0),
        ("+2,159.76", 2159.76),
        (".5", 0.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("007", 7.0),
        ("-0", 0.0),
        ("0.1", 0.1),
        ("9007199254740993", 9007199254740992.0),
        ("1e-999", 0.0),
    ],
)
@pytest.mark.parametrize("column", [NUMBER, INTEGER], ids=["number", "integer"])
def test_a_number_is_read_from_its_text(text, number, column):
    assert read([text], column) == ([number], [False], [False])


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "1,23",
        "1,2345",
        "12,34,567",
        ",123",
        "1 000",
        "0x10",
        "inf",
        "-Infinity",
        "1e999",
        "-1e999",
        "1e99999999999",
        "12 months",
        "$5",
        "50%",
        "1.2.3",
        "--3",
        "+-3",
        "1e",
        "e5",
        ".",
        "+",
        "1_000",
        "٣",
        "True",
        "2024-01-31",
    ],
)
def test_what_is_no_finite_number_is_unreadable_not_missing(text):
    assert read([text], NUMBER) == ([None], [False], [True])


@pytest.mark.parametrize("text", ["0,123", "00,123", "000,123", "-0,5e0"])
def test_a_decimal_comma_is_not_taken_for_thousands(text):
    assert read([text], NUMBER) == ([None], [False], [True])


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
@example([5e-324, 1.7976931348623157e308, 0.1, 2**53 + 2.0, -0.0, 2.2250738585072014e-308])
def test_text_is_rounded_to_the_nearest_number(numbers):
    parsed = parse(raw([repr(number) for number in numbers]), NUMBER)
    assert parsed.values.tobytes() == np.array(numbers).tobytes()
    assert not parsed.unreadable.any()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.sampled_from(["", " ", "  "])), min_size=1
    )
)
def test_thousands_and_space_change_no_number(numbers):
    dressed = [f"{space}{number:,}{space}" for number, space in numbers]
    assert parse(raw(dressed), INTEGER).values.tolist() == [number for number, _ in numbers]


# missing values


@pytest.mark.parametrize("column", [NUMBER, INTEGER, BOOLEAN, OPEN], ids=lambda one: one.type)
@pytest.mark.parametrize("text", [None, " ", "\t", *MISSING_WORDS, "NULL", " N/A ", "NaN", "None"])
def test_blanks_and_the_usual_words_are_missing(column, text):
    assert read([text], column, pa.string()) == ([None], [True], [False])


def test_a_word_that_the_contract_lists_is_a_value_not_missing():
    found = read(["None", "NA", "none", " na "], PLANS)
    assert found == (["None", "NA", "None", "NA"], [False] * 4, [False] * 4)


def test_a_missing_word_that_the_contract_does_not_list_is_missing_in_a_closed_set():
    assert read(["null", "", None], PLANS) == ([None] * 3, [True] * 3, [False] * 3)


# categories


@pytest.mark.parametrize("text", ["Fiber optic", "FIBER OPTIC", " fiber Optic  ", "fiber optic"])
def test_capitals_and_outer_space_make_no_other_category(text):
    assert read([text], PLANS)[0] == ["Fiber optic"]


def test_a_word_that_is_not_listed_stays_for_validation_to_refuse():
    assert read([" Cable ", "Fiber  optic"], PLANS) == (
        ["Cable", "Fiber  optic"],
        [False] * 2,
        [False] * 2,
    )


def test_an_open_category_keeps_its_words_and_capitals():
    assert read(["OH", "oh", " KS ", "Nantucket"], OPEN)[0] == ["OH", "oh", "KS", "Nantucket"]


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ([415, None, 408], pa.int64(), ["415", None, "408"]),
        ([415.0, NAN, 408.5], pa.float64(), ["415", None, "408.5"]),
        ([True, False, None], pa.bool_(), ["true", "false", None]),
        ([datetime.date(2024, 1, 31)], pa.date32(), ["2024-01-31"]),
    ],
)
def test_typed_values_of_a_category_are_their_text(values, kind, words):
    assert read(values, OPEN, kind)[0] == words


@pytest.mark.parametrize("word", ["Straße", "CAFÉ", "Ελληνικά", "ΟΔΟΣ", "日本"])
def test_a_listed_word_in_any_alphabet_is_found_in_lower_case(word):
    column = CategoryColumn(type="category", values=("x", word))
    assert read([word, word.lower()], column)[0] == [word, word]


def test_a_listed_word_is_found_as_it_is_written_whatever_its_capitals_do():
    column = CategoryColumn(type="category", values=("x", "İstanbul"))
    assert read(["İstanbul"], column)[0] == ["İstanbul"]


# yes and no


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["Yes", "yes", " YES ", "true", "True", "TRUE", "Y", "y", "t", "1"], 1.0),
        (["No", "no", " NO ", "false", "False", "FALSE", "N", "n", "f", "0"], 0.0),
    ],
)
def test_a_yes_or_no_is_understood_in_every_spelling(texts, value):
    assert read(texts, BOOLEAN)[0] == [value] * len(texts)


@pytest.mark.parametrize("text", ["2", "maybe", "-1", "yess", "oui"])
def test_another_word_is_no_yes_or_no(text):
    assert read([text], BOOLEAN) == ([None], [False], [True])


@pytest.mark.parametrize(
    ("values", "kind"),
    [([True, False, None], pa.bool_()), ([1, 0, None], pa.int8()), ([1.0, 0.0, NAN], pa.float64())],
)
def test_typed_ones_and_zeros_are_yes_and_no(values, kind):
    assert read(values, BOOLEAN, kind) == ([1.0, 0.0, None], [False, False, True], [False] * 3)


def test_a_typed_number_other_than_one_and_zero_is_no_yes_or_no():
    assert read([2, 1], BOOLEAN) == ([None, 1.0], [False, False], [True, False])


# typed columns of Parquet files


@pytest.mark.parametrize(
    ("values", "kind", "numbers"),
    [
        ([3, None], pa.int64(), [3.0, None]),
        ([3, 255], pa.uint8(), [3.0, 255.0]),
        ([1.5, NAN], pa.float64(), [1.5, None]),
        ([1.5, None], pa.float32(), [1.5, None]),
        ([True, None], pa.bool_(), [1.0, None]),
        ([Decimal("1.25"), None], pa.decimal128(5, 2), [1.25, None]),
        (["1,024", None], pa.large_string(), [1024.0, None]),
        ([None, None], pa.null(), [None, None]),
    ],
)
def test_numbers_are_taken_from_every_type_of_column(values, kind, numbers):
    found, missing, unreadable = read(values, NUMBER, kind)
    assert found == numbers
    assert missing == [number is None for number in numbers]
    assert unreadable == [False, False]


@pytest.mark.parametrize("column", [NUMBER, PLANS, BOOLEAN], ids=lambda one: one.type)
def test_dictionary_columns_mean_what_plain_ones_mean(column):
    values = ["1", None, "0", "DSL", "1"]
    encoded = raw(values).dictionary_encode()
    plain, decoded = parse(raw(values), column), parse(encoded, column)
    np.testing.assert_array_equal(plain.values, decoded.values)
    np.testing.assert_array_equal(plain.unreadable, decoded.unreadable)


def test_values_in_several_chunks_are_one_column():
    chunks = pa.chunked_array([["1", "2"], [], ["3"]], pa.string())
    assert parse(chunks, NUMBER).values.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("column", [NUMBER, PLANS, BOOLEAN], ids=lambda one: one.type)
def test_a_column_without_rows_has_no_values(column):
    assert read([], column, pa.string()) == ([], [], [])


def test_infinite_numbers_are_unreadable_not_missing():
    found = read([math.inf, -math.inf, NAN], NUMBER)
    assert found == ([None] * 3, [False, False, True], [True, True, False])


@pytest.mark.parametrize(
    "value",
    [datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC), datetime.date(2024, 1, 31)],
    ids=["time stamp", "date"],
)
def test_a_date_is_no_number(value):
    assert read([value, None], NUMBER) == ([None, None], [False, True], [True, False])


@pytest.mark.parametrize(
    ("value", "kind"),
    [(2**60, pa.int64()), (2**64 - 1, pa.uint64())],
)
def test_an_integer_beyond_the_exact_floats_is_read_as_its_text_would_be(value, kind):
    typed = parse(raw([value], kind), NUMBER)
    assert typed.values.tolist() == parse(raw([str(value)]), NUMBER).values.tolist()


# ids and targets


def test_ids_are_text_without_outer_space_and_blank_ones_are_missing():
    assert parse_id(raw([" C1 ", "c1", "", "  ", None, "NA"])).tolist() == [
        "C1",
        "c1",
        None,
        None,
        None,
        None,
    ]


def test_numeric_ids_are_their_digits():
    assert parse_id(raw([7, None, 2**60])).tolist() == ["7", None, str(2**60)]


def test_numeric_ids_that_became_floats_keep_their_digits():
    ids = parse_id(raw([7.0, 1234567.0, 123456789012.0]))
    assert ids.tolist() == ["7", "1234567", "123456789012"]


def test_a_numeric_id_that_is_nan_is_missing():
    assert parse_id(raw([7.0, NAN, None])).tolist() == ["7", None, None]


@pytest.mark.parametrize(
    ("values", "positive", "negative"),
    [
        (["Yes", "No", None], "Yes", "No"),
        ([" yes ", "NO", " "], "Yes", "No"),
        (["left", "stayed", "NA"], "Left", "Stayed"),
        ([1, 0, None], "1", "0"),
        ([1.0, 0.0, NAN], "1", "0"),
        ([True, False, None], "true", "false"),
        (["NA", "None", ""], "NA", "None"),
    ],
    ids=str,
)
def test_outcomes_are_one_for_positive_zero_for_negative(values, positive, negative):
    target = Target(column="churn", positive=positive, negative=negative)
    parsed = parse_target(raw(values), target)
    np.testing.assert_array_equal(parsed.values, [1.0, 0.0, NAN])
    assert parsed.missing.tolist() == [False, False, True]
    assert not parsed.unreadable.any()


def test_an_outcome_that_is_neither_is_unreadable():
    parsed = parse_target(raw(["Yes", "maybe", None]), YES_OR_NO)
    assert parsed.unreadable.tolist() == [False, True, False]
    assert parsed.missing.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([" a ", None], [" a ", ""]),
        ([1, None], ["1", ""]),
        ([1.5, None], ["1.5", ""]),
        ([None], [""]),
    ],
    ids=str,
)
def test_values_are_shown_as_they_came(values, texts):
    assert as_text(raw(values)).to_pylist() == texts
