"""Compatible: a model that takes every request of another is let in, one that does not is told."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from churn.contract import Contract
from churn.errors import IncompatibleModel
from churn.fields import field
from serve.compatible import refuse_incompatible
from tests.small import TELCO


def _contract(id_=None, **columns):
    target = {"column": "left", "positive": "yes", "negative": "no"}
    content = {"name": "shop", "target": target, "columns": columns, "id": id_}
    return Contract.model_validate(content)


def _takes(new, old):
    try:
        refuse_incompatible("v2", new, old)
    except IncompatibleModel:
        return False
    return True


bounds = st.one_of(st.none(), st.integers(-4, 4).map(lambda n: n / 2))
number_columns = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["integer", "number"]),
        "required": st.booleans(),
        "min": bounds,
        "above": bounds,
        "max": bounds,
        "below": bounds,
    }
)
word_columns = st.fixed_dictionaries(
    {
        "type": st.just("category"),
        "required": st.booleans(),
        "values": st.one_of(
            st.none(), st.lists(st.sampled_from("ABC"), min_size=1, max_size=3, unique=True)
        ),
    }
)
flags = st.fixed_dictionaries({"type": st.just("boolean"), "required": st.booleans()})
columns = st.one_of(number_columns, word_columns, flags)
SENT = [
    None,
    True,
    False,
    *"ABCD",
    *(n / 4 for n in range(-20, 21)),
    *(n for n in range(-5, 6)),
    2**53,
    -(2**53),
    1e300,
    -1e300,
]


def _accepted(column):
    one = field("a", column)
    return {repr(value) for value in SENT if one.problem(value) is None}


@settings(deadline=None, max_examples=500)
@given(new=columns, old=columns)
def test_a_column_is_no_obstacle_exactly_if_it_takes_all_that_the_other_takes(new, old):
    try:
        one, other = _contract(a=new), _contract(a=old)
    except ValidationError:
        assume(False)
    taken = _accepted(other.columns["a"])
    # Where nothing but null is allowed, it is a matter of taste.
    assume(taken - {"None"})

    assert _takes(one, other) == (taken <= _accepted(one.columns["a"]))


A, B = {"type": "number", "min": 0}, {"type": "boolean"}


@pytest.mark.parametrize(
    ("new", "old", "problem"),
    [
        ({"a": A, "b": {**B, "required": True}}, {"a": A}, "b is required"),
        ({"a": A}, {"a": A, "b": B}, "b is unknown to it"),
        ({"a": {**A, "required": True}}, {"a": A}, "a has become required"),
        ({"a": {**A, "min": 1}}, {"a": A}, "a must be number from 1, was number from 0"),
        ({"a": {"type": "integer"}}, {"a": A}, "a takes whole numbers only"),
        ({"a": B}, {"a": A}, "a is boolean, not number"),
        ({"a": A}, {"a": B}, "a is number, not boolean"),
        ({"a": {"type": "category"}}, {"a": A}, "a is category, not number"),
        (
            {"a": {"type": "category", "values": ["x"]}},
            {"a": {"type": "category", "values": ["x", "y", "z"]}},
            "a no longer takes y, z",
        ),
        (
            {"a": {"type": "category", "values": ["x"]}},
            {"a": {"type": "category"}},
            "a takes listed words only",
        ),
        ({"a": {**A, "after_event": True}, "b": B}, {"a": A}, "a is unknown to it"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_obstacle_is_named(new, old, problem):
    message = rf"model v2 does not take the same requests: {problem}\. Callers would break"
    with pytest.raises(IncompatibleModel, match=message):
        refuse_incompatible("v2", _contract(**new), _contract(**old))


def test_every_obstacle_is_named_at_once():
    with pytest.raises(IncompatibleModel, match="its id is c, not k; a is unknown to it; b is req"):
        refuse_incompatible("v2", _contract("c", b={**B, "required": True}), _contract("k", a=A))


def test_a_contract_takes_its_own_requests():
    refuse_incompatible("v2", TELCO, TELCO)


def test_more_optional_columns_and_what_is_known_too_late_are_no_obstacle():
    late = {"type": "category", "after_event": True}
    refuse_incompatible("v2", _contract(a=A, b=B, c=late), _contract(a=A, late=late))
