"""Customers: read one by one, as rows or as columns, they are the same customers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.problems import told
from serve.customers import Customers
from serve.errors import InvalidColumns, InvalidCustomer, UnequalColumns
from tests.serve.models import CUST001, SHOP, TEST001, some
from tests.serve.models import by_column as as_columns
from tests.serve.models import requests as as_requests
from tests.small import TELCO

telco, shop = Customers(TELCO), Customers(SHOP)
quick = settings(deadline=None, max_examples=80)
REQUIRED = [one.name for one in telco.all if one.required]

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 120),
    st.floats(),
    st.sampled_from(["DSL", "dsl", "One year", "", "CUST7", 10**400, [], {}]),
)


@st.composite
def rows(draw):
    """Customers, some of whose fields are absent, odd or unknown, and things that are none."""
    found = draw(st.permutations(as_requests(some(draw(st.integers(1, 4)), 0))))
    for one in found:
        for name in draw(st.lists(st.sampled_from([*telco.names, "agee", "x"]), max_size=3)):
            one[name] = draw(odd)
        if draw(st.integers(0, 5)) == 0:
            one.pop(draw(st.sampled_from([*one])))
    return [*found, *draw(st.lists(st.sampled_from([None, 3, "x", [], {}]), max_size=2))]


def _same(one, other):
    for name in (*one, *other):
        np.testing.assert_array_equal(one[name], other[name])
        assert one[name].dtype == other[name].dtype


@pytest.mark.parametrize("given_", [CUST001, TEST001], ids=lambda one: one["customer_id"])
def test_the_examples_of_the_documentation_are_customers(given_):
    row = dict(zip(telco.names, telco.one(given_), strict=True))

    for name, value in row.items():
        is_missing = value is None or value != value  # noqa: PLR0124
        assert is_missing if name not in given_ else value == given_[name]


@quick
@given(sent=rows())
def test_what_is_wrong_with_a_customer_is_the_same_alone_and_in_a_batch(sent):
    batch = telco.by_row(sent)

    assert batch.rows == len(sent)
    for i, one in enumerate(sent):
        if i in batch.problems:
            with pytest.raises(InvalidCustomer, match="was not scored") as refused:
                telco.one(one)
            assert refused.value.problems == told(batch.problems[i])
        else:
            alone = telco.together([telco.one(one)])
            _same(alone, {name: values[[i]] for name, values in batch.columns.items()})
            assert batch.ids[i] == one["customer_id"]


@quick
@given(sent=rows())
def test_a_batch_by_columns_is_the_same_batch(sent):
    objects = [one for one in sent if isinstance(one, dict) and one.keys() <= {*telco.names}]
    if not objects:
        return
    columns = {name: [one.get(name) for one in objects] for name in telco.names}

    found, expected = telco.by_column(columns), telco.by_row(objects)

    assert (found.ids, found.problems) == (expected.ids, expected.problems)
    _same(found.columns, expected.columns)


@quick
@given(seed=st.integers(0, 1000), nulls=st.booleans())
def test_customers_are_read_as_they_were_sent(seed, nulls):
    columns = some(20, seed)
    sent = as_requests(columns, nulls=nulls)

    together = telco.together([telco.one(one) for one in sent])
    for found in (together, telco.by_row(sent).columns):
        _same({name: found[name] for name in columns}, columns)
    _same(telco.by_column(as_columns(columns)["columns"]).columns, columns)


def test_an_optional_column_may_be_absent_as_a_whole():
    given_ = as_columns(some(3, 1))["columns"]
    only = {name: given_[name] for name in REQUIRED}

    batch = telco.by_column(only)

    assert not batch.problems
    assert np.isnan(batch.columns["tv_service"]).all()
    assert batch.columns["contract"].tolist() == [None] * 3


# what is wrong


def _refusal(given_, customers=telco):
    with pytest.raises(InvalidCustomer, match="not scored: see the problems") as refused:
        customers.one(given_)
    return refused.value.problems


def test_every_problem_of_a_customer_is_told_at_once():
    problems = _refusal({**CUST001, "age": 7, "contract": "one year", "Age": 1, "tv_service": "no"})

    assert [one["field"] for one in problems] == ["Age", "age", "contract", "tv_service"]
    assert problems[0]["problem"] == "unknown field (did you mean 'age'?)"
    assert problems[0]["allowed"] == ", ".join(telco.names)
    assert problems[1] == {
        "field": "age",
        "problem": "7 is too low",
        "allowed": "integer from 18 to 100 years",
    }
    assert "did you mean 'One year'?" in problems[2]["problem"]


def test_missing_and_null_are_the_same_problem_where_a_value_is_required():
    expected = [(name, "missing") for name in REQUIRED]

    for given_ in ({}, dict.fromkeys(telco.names)):
        assert [(one["field"], one["problem"]) for one in _refusal(given_)] == expected


@pytest.mark.parametrize("given_", [None, 1, 1.5, "CUST001", True, [], [CUST001]], ids=str)
def test_what_is_no_object_is_no_customer(given_):
    (problem,) = _refusal(given_)

    assert problem["field"] is None
    assert problem["problem"].endswith("is no customer")


def test_senders_cannot_make_the_list_of_problems_as_long_as_they_like():
    names = {f"x{i}" * 300: i for i in range(1000)}

    problems = _refusal({**CUST001, **names})

    assert len(problems) == 50
    assert all(len(one["field"]) <= 200 for one in problems)


def test_what_is_known_only_after_the_event_is_unknown():
    (problem,) = _refusal({"visits": 3, "reason": "price"}, shop)

    assert (problem["field"], shop.names) == ("reason", ("visits", "spent", "member", "plan"))


def test_a_table_without_id_or_required_columns_takes_an_empty_object():
    assert telco.id.name == "customer_id"
    assert shop.id is None
    columns = shop.together([shop.one({})])
    assert columns["plan"].tolist() == [None]
    assert shop.by_row([{}, {"plan": "Anything"}]).ids is None


def test_columns_that_are_unknown_absent_or_no_lists_are_told():
    sent = {**as_columns(some(2, 0))["columns"], "tv": [1, 2], "contract": "One year"}
    del sent["age"]

    with pytest.raises(InvalidColumns, match="see the problems with the columns") as refused:
        telco.by_column(sent)

    told_ = {one["field"]: one["problem"] for one in refused.value.problems}
    assert told_ == {
        "tv": "unknown field",
        "age": "missing",
        "contract": '"One year" is no list',
    }


def test_columns_must_be_of_one_length():
    sent = as_columns(some(3, 0))["columns"]

    with pytest.raises(UnequalColumns, match="Columns must be of one length, got 2, 3"):
        telco.by_column({**sent, "age": [42, 43]})
