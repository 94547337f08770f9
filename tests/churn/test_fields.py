"""Fields: one value and a whole column are judged alike, and the schema says the same."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from churn.contract import Column
from churn.fields import LONGEST_TEXT, TextField, field
from churn.problems import Refused, shown

WORDS = ["DSL", "Fiber optic", "None", "Ü-Tarif"]
NUMBERS = [
    {},
    {"min": 18, "max": 100},
    {"above": 0},
    {"below": 0},
    {"above": 0, "max": 10},
    {"min": 0, "below": 10},
    {"min": 0, "above": 0},
    {"min": -1, "above": -2, "max": 3, "below": 4},
    {"max": 5, "below": 5},
    {"min": 0.5, "max": 99.5},
    {"min": -(2**53), "max": 2**53},
    {"min": 2**53 - 2, "below": 2**53},
]
COLUMNS = [
    *({"type": kind, **bounds} for kind in ("number", "integer") for bounds in NUMBERS),
    {"type": "number", "min": 1e17, "max": 1e20},
    {"type": "number", "above": 2.0**53},
    {"type": "boolean"},
    {"type": "category", "values": WORDS},
    {"type": "category"},
]
quick = settings(deadline=None, max_examples=150)


def _field(required=False, **column):
    given = {**column, "required": required}
    return field("one", TypeAdapter(Column).validate_python(given))


near = st.sampled_from([0, 3, 4, 5, 10, 18, 100, -1, -2, 2**53, -(2**53), 10**17, 10**20]).flatmap(
    lambda n: st.sampled_from(
        [n, n + 1, n - 1, float(n), n + 0.5, math.nextafter(n, 1e300), math.nextafter(n, -1e300)]
    )
)
numbers = st.one_of(near, st.floats(), st.integers(), st.integers(10**300, 10**320), st.just(-0.0))
texts = st.one_of(
    st.sampled_from([*WORDS, "dsl", " DSL", "DSL ", "fiber-optic", "", "a\tb", "a\nb", "DSL\n"]),
    st.text(max_size=5),
    st.integers(LONGEST_TEXT - 1, LONGEST_TEXT + 1).map("x".__mul__),
)
others = st.one_of(st.booleans(), st.lists(st.none(), max_size=1), st.just({}), st.just({"a": 1}))
values = st.one_of(st.none(), numbers, texts, others)
columns = st.sampled_from(COLUMNS)


def _bits(column):
    """A column such that equal means equal to the last bit, NaN and the sign of 0 included."""
    return column.tolist() if column.dtype == object else (column.dtype, column.tobytes())


@quick
@given(column=columns, required=st.booleans(), sent=st.lists(values, max_size=6))
def test_a_column_is_judged_as_each_of_its_values_is(column, required, sent):
    one = _field(required, **column)
    expected = {i: p for i, value in enumerate(sent) if (p := one.problem(value))}
    absent = [i in expected or value is None for i, value in enumerate(sent)]
    read = [one.missing if absent[i] else one.read(value) for i, value in enumerate(sent)]

    found, problems = one.column(sent)

    assert problems == expected
    assert _bits(found) == _bits(np.array(read, dtype=found.dtype))


@quick
@given(data=st.data(), column=columns)
def test_what_is_taken_at_once_is_what_is_right_one_by_one(data, column):
    one = _field(**column)
    kinds = [numbers, texts, st.booleans(), values]
    sent = data.draw(st.lists(st.one_of(st.none(), data.draw(st.sampled_from(kinds))), max_size=5))

    found = one.accepted(sent)

    if found is not None:
        assert not [value for value in sent if one.problem(value)]
        read = [one.missing if value is None else one.read(value) for value in sent]
        assert _bits(found) == _bits(np.array(read, dtype=found.dtype))


@pytest.mark.parametrize(
    ("column", "sent"),
    [
        ({"type": "integer", "min": 18, "max": 100}, [18, 100.0, None]),
        ({"type": "number", "above": 0}, [5e-324, 1e12, 3]),
        ({"type": "boolean"}, [True, False, None]),
        ({"type": "category", "values": WORDS}, [*WORDS, None]),
        ({"type": "category"}, ["Ü-Tarif", "x" * LONGEST_TEXT, "a b", None]),
    ],
    ids=str,
)
def test_values_that_are_plainly_right_are_taken_at_once(column, sent):
    assert _field(**column).accepted(sent) is not None


# the schema


def _admits(schema, value):
    """Whether a JSON Schema takes a value: the keywords that fields use."""
    kinds = {
        "number": type(value) in (int, float),
        "integer": type(value) is int or (type(value) is float and value.is_integer()),
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool),
    }
    checks = {
        "type": lambda kind: kinds[kind],
        "enum": lambda words: value in words,
        "minimum": lambda bound: value >= bound,
        "maximum": lambda bound: value <= bound,
        "exclusiveMinimum": lambda bound: value > bound,
        "exclusiveMaximum": lambda bound: value < bound,
        "maxLength": lambda most: len(value) <= most,
        # In Python's own syntax, $ also stands before a last line break.
        "pattern": lambda text: re.search(text.removesuffix("$") + r"\Z", value) is not None,
    }
    return all(checks[keyword](of) for keyword, of in schema.items())


def _is_json(value):
    is_number = type(value) in (int, float)
    return value is not None and not (is_number and not -1e308 < value < 1e308)


@quick
@given(column=columns, value=values.filter(_is_json))
def test_the_schema_takes_exactly_what_is_read(column, value):
    one = _field(**column)

    assert _admits(one.schema, value) == (one.problem(value) is None)


# each kind of value


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ({"type": "integer"}, "42", '"42" is no number'),
        ({"type": "integer"}, True, "true is no number"),
        ({"type": "integer"}, [], "a list is no number"),
        ({"type": "integer"}, 4.5, "4.5 is not whole"),
        ({"type": "integer"}, 2**53 + 1, "9007199254740993 is too high"),
        ({"type": "integer"}, -(2**53) - 1, "-9007199254740993 is too low"),
        ({"type": "integer", "min": 18}, 17, "17 is too low"),
        ({"type": "integer", "max": 100}, 101, "101 is too high"),
        ({"type": "number", "above": 0}, 0, "0 is too low"),
        ({"type": "number", "below": 1}, 1.0, "1.0 is too high"),
        ({"type": "number"}, math.nan, "NaN is not finite"),
        ({"type": "number"}, math.inf, "Infinity is not finite"),
        ({"type": "number"}, -math.inf, "-Infinity is not finite"),
        ({"type": "number"}, 10**400, "a number of too many digits is not finite"),
        ({"type": "boolean"}, 1, "1 is neither true nor false"),
        ({"type": "boolean"}, "Yes", '"Yes" is neither true nor false'),
        ({"type": "category", "values": WORDS}, 3, "3 is no text"),
        (
            {"type": "category", "values": WORDS},
            "dsl",
            "\"dsl\" is not one of them (did you mean 'DSL'?)",
        ),
        ({"type": "category", "values": WORDS}, "ISDN", '"ISDN" is not one of them'),
        ({"type": "category"}, {}, "an object is no text"),
        ({"type": "category"}, "", '"" is empty, or has space around it or control characters'),
        ({"type": "category"}, "x" * 201, f'"{"x" * 59}… is longer than 200 characters'),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_the_value_and_what_is_allowed(column, value, problem):
    one = _field(**column)

    found = one.problem(value)

    assert (found.field, found.problem, found.allowed) == ("one", problem, one.allowed)
    with pytest.raises(Refused, match=re.escape(problem)):
        one.read(value)


def test_an_absent_value_is_missing_where_it_may_be_and_a_problem_where_not():
    assert _field(type="number").problem(None) is None
    assert _field(True, type="number", min=1).problem(None).problem == "missing"
    found, problems = _field(True, type="number").column([1, None])
    assert ([*problems], found[0], math.isnan(found[1])) == ([1], 1.0, True)


def test_minus_zero_is_zero():
    one = _field(type="number")

    assert math.copysign(1, one.read(-0.0)) == 1
    assert math.copysign(1, one.accepted([-0.0])[0]) == 1


def test_an_id_may_have_any_script_but_no_control_characters():
    one = TextField("customer_id", required=True)

    for good in ("CUST001", "Ünal Öz", "客户-7", "a:b/c", "😀"):
        assert one.read(good) == good
    for bad in ("a\x00", "\x7f", "a\x85b", "\ud800", "\ufffe", " a", "a ", "\n"):
        with pytest.raises(Refused, match="is empty, or has space around it or control"):
            one.read(bad)


@given(st.one_of(values, st.text(max_size=100)))
def test_any_value_is_shown_in_a_line(value):
    assert len(shown(value)) <= 61
