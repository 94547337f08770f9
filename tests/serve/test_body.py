"""Bodies: whatever is sent, there is plain data or a word on what is wrong."""

import json
import math

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serve.body import parsed
from serve.errors import DoubledField, MalformedBody, RequestError
from tests.serve.models import CUST001, TEST001, by_column, requests, some

WANTED = "one customer"
quick = settings(deadline=None, max_examples=200)

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(["a:b", '{"a":1,"a":2}', '":', "\\u003a", "::::"]),
)
names = st.one_of(st.text('ab:\\"\u00fc', max_size=3), st.sampled_from(["age", "NaN", "Infinity"]))
contents = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=12,
)


@quick
@given(contents, st.booleans())
@example({"age": "a:b", "note": "x::y"}, True)
@example({"columns": {"a:": ["::"]}}, False)
def test_what_is_sent_is_what_is_read(content, is_ascii):
    raw = json.dumps(content, ensure_ascii=is_ascii).encode()

    assert parsed(raw, WANTED) == content


# doubled fields


def _doubled(raw):
    with pytest.raises(DoubledField, match="is given more than once") as found:
        parsed(raw.encode(), WANTED)
    (problem,) = found.value.problems
    return problem["field"], problem.get("index")


@pytest.mark.parametrize(
    ("raw", "field", "index"),
    [
        ('{"age": 1, "age": 2}', "age", None),
        ('{"age": 1, "age": 1}', "age", None),
        ('{"age": 1, "b": 2, "\\u0061ge": 3}', "age", None),
        ('{"a:b": 1, "c": ":", "a:b": 2}', "a:b", None),
        ('{"age": NaN, "age": 2}', "age", None),
        ('{"age": 1e400, "age": 2}', "age", None),
        ('[{"age": 1}, {"age": 1, "age": 2}]', "age", 1),
        ('[7, null, [], {"age": {"x": 1}}, {"age": 1, "age": 2}]', "age", 4),
        ('[{"a": 1}, {"age": {"x": 1, "x": 2}}]', "x", None),
        ('{"columns": {"age": [1], "age": [2]}}', "age", None),
        ('{"columns": {"age": [1]}, "columns": {"age": [2]}}', "columns", None),
        ('{"columns": {"age": [{"x": 1, "x": 1}]}}', "x", None),
        ('{"age": ' + "[" * 880 + "]" * 880 + ', "age": 42}', "age", None),
    ],
    ids=lambda one: str(one)[:60],
)
def test_a_doubled_field_is_found_wherever_it_is(raw, field, index):
    assert _doubled(raw) == (field, index)


@quick
@given(data=st.data())
def test_a_field_doubled_anywhere_in_a_valid_body_is_found(data):
    columns = some(3, data.draw(st.integers(0, 50)))
    content = data.draw(st.sampled_from([requests(columns), by_column(columns), TEST001]))
    name = data.draw(st.sampled_from(["customer_id", "age", "monthly_charges", "support_calls"]))
    spelt = data.draw(st.sampled_from([name, f"\\u{ord(name[0]):04x}{name[1:]}"]))
    # A name that no text of the body holds, so that it is doubled as a field.
    parts = orjson.dumps(content).decode().split(f'"{name}":')
    place = data.draw(st.integers(1, len(parts) - 1))
    parts[place] = f'null,"{spelt}":{parts[place]}'

    field, index = _doubled(f'"{name}":'.join(parts))

    assert (field, index) == (name, place - 1 if isinstance(content, list) else None)


# what JSON parsers let pass, or break on


def test_numbers_that_are_none_arrive_for_whoever_knows_their_field():
    raw = b'{"a": NaN, "b": [Infinity, -Infinity], "c": 1e400, "d": -1e400}'

    found = parsed(raw, WANTED)

    assert math.isnan(found["a"])
    assert [*found["b"], found["c"], found["d"]] == [math.inf, -math.inf, math.inf, -math.inf]


@pytest.mark.parametrize("digits", [400, 4300])
def test_an_integer_of_many_digits_arrives(digits):
    assert parsed(b"[" + b"9" * digits + b"]", WANTED) == [10**digits - 1]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "it is empty"),
        (b" \r\n\t", "it is empty"),
        (b'{"age": 42', "unexpected end of data"),
        (b"{'age': 42}", "."),
        (b'{"age": 42,}', "trailing comma is not allowed"),
        (b'{"age": 42} {}', "unexpected content after document"),
        (b'{"age": \xff}', "byte 8 is not UTF-8"),
        ('{"age": "ü"}'.encode("latin-1"), "byte 9 is not UTF-8"),
        (json.dumps(CUST001).encode("utf-16"), "byte 0 is not UTF-8"),
        (b"\xef\xbb\xbf{}", r"UTF-8 byte order mark \(BOM\) is not supported"),
        (b"\xef\xbb\xbf[NaN]", r"UTF-8 byte order mark \(BOM\) is not supported"),
        (b'{"age": "\\ud800"}', "."),
        (b'{"age": NaN, "id": "\\ud800"}', "."),
        (b'{"\\udfff": 1e400}', "."),
        (b"9" * 5000, "number is infinity when parsed as double"),
        (b"[" * 1000, "it is nested too deeply"),
        (b"[" * 5000, "it is nested too deeply"),
        (b"[" * 5000 + b"]" * 5000, "it is nested too deeply"),
        (b'{"a":' * 5000 + b"NaN" + b"}" * 5000, "it is nested too deeply"),
        (b"[NaN" + b"[" * 5000, "."),
        (b"\x00", "."),
        (b"nan", "."),
    ],
    ids=lambda one: str(one)[:40],
)
def test_what_is_no_json_is_refused_with_the_reason(raw, problem):
    message = f"^The body cannot be read: {problem}.*Send one customer as JSON in UTF-8"
    with pytest.raises(MalformedBody, match=message):
        parsed(raw, WANTED)


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=60))
@example(b'"\\ud800NaN"')
@example(b'{"NaN":1,"NaN":"\\udc00"}')
def test_whatever_is_sent_can_be_told_back(raw):
    try:
        found = parsed(raw, WANTED)
    except RequestError as error:
        found = error.body("id")

    # Also a NaN is written, as null; half a surrogate pair is not.
    if -(2**53) < len(str(found)) < 4000:
        json.dumps(found, ensure_ascii=False).encode()
