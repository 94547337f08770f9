"""Batches: each customer gets the scorer's number, in the order of the request, or a reason."""

import json
from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.problems import MANY_PROBLEMS, MOST_PROBLEMS_OF_A_ROW
from serve.answers import Answers
from serve.batches import BatchOptions, answered_bytes
from serve.errors import RequestError
from tests.serve.models import (
    CUST001,
    SETTINGS,
    TEST001,
    UNSCORABLE,
    by_column,
    ids,
    lineup,
    model,
    requests,
    scored,
    some,
)

quick = settings(deadline=None, max_examples=40)
AT_MOST = 400


def answered(content, line=None, explain=0, skip=False):
    """Status and content of the answer; `content` may be bytes."""
    line = line or lineup()
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    answers = Answers.of(line.champion.customers, SETTINGS)
    found = answered_bytes(raw, line, answers, BatchOptions(explain, skip), AT_MOST, "the-id")
    return found, json.loads(found.body)


def refused(content, code, status=422, **options):
    found, body = answered(content, **options)
    assert (found.status, body["error"], body["request_id"]) == (status, code, "the-id")
    assert body["message"]
    return body


def probabilities(body):
    return [one["churn_probability"] for one in body["predictions"]]


# one scoring path


@quick
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 300), lost=st.sampled_from([0, 0.3, 1]))
def test_a_batch_has_the_scorers_probabilities_to_the_last_bit(seed, rows, lost):
    columns = some(rows, seed, lost)
    expected = scored(columns)

    for content in (requests(columns), requests(columns, nulls=True), by_column(columns)):
        found, body = answered(content)

        assert found.status == 200
        assert probabilities(body) == expected
        assert [one["customer_id"] for one in body["predictions"]] == ids(rows)
        assert {one["model_version"] for one in body["predictions"]} == {"telco"}


@settings(quick, max_examples=20)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 60),
    explain=st.sampled_from([0, 3]),
    share=st.sampled_from([0, 0.3, 0.5, 1]),
)
def test_in_a_split_each_customer_gets_the_number_of_the_model_that_is_theirs(
    seed, rows, explain, share
):
    columns = some(rows, seed)
    own, other = scored(columns), scored(columns, "challenger")
    line = lineup(other="challenger", share=share)

    _, body = answered(requests(columns), line, explain=explain)

    challenged = [one["model_version"] == "challenger" for one in body["predictions"]]
    expected = [other[i] if is_theirs else own[i] for i, is_theirs in enumerate(challenged)]
    assert probabilities(body) == expected
    assert [one["customer_id"] for one in body["predictions"]] == ids(rows)
    if share in (0, 1):
        assert {*challenged} == {bool(share)}


def test_an_answer_counts_its_customers():
    columns = some(300, 1)

    found, body = answered(requests(columns))

    levels = Counter(one["risk_level"] for one in body["predictions"])
    assert body["total_customers"] == 300
    assert body["high_risk_count"] == levels["high"] > 0
    assert found.levels == {("telco", level): n for level, n in levels.items()}
    assert len({one["prediction_id"] for one in body["predictions"]}) == 300


def test_reasons_are_those_of_the_report():
    from churn.reasons import reasons

    columns = some(5, 3)
    expected = reasons(model("telco").scorer, columns, 3)

    _, body = answered(by_column(columns), explain=3)

    for one, why in zip(body["predictions"], expected, strict=True):
        assert [(o["input"], o["value"], o["contribution"]) for o in one["reasons"]] == [
            (o.input, o.value, o.contribution) for o in why
        ]


def test_a_table_without_id_and_required_columns_is_scored():
    found, body = answered([{}, {"plan": "Gold", "visits": 3}], lineup("shop"))

    assert found.status == 200
    assert body["total_customers"] == 2
    assert "customer_id" not in body["predictions"][0]


# what is wrong


@pytest.mark.parametrize("content", [{}, 3, "x", None, CUST001, {"columns": []}, {"columns": 1}])
def test_what_is_neither_a_list_nor_columns_is_no_batch(content):
    refused(content, "no_batch")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ([], "telco"),
        ({"columns": dict.fromkeys(model("telco").customers.names, ())}, "telco"),
        ({"columns": {}}, "shop"),
        ({"columns": {"plan": []}}, "shop"),
    ],
)
def test_an_empty_batch_is_refused(content, name):
    refused(content, "empty_batch", line=lineup(name))


def test_columns_without_customers_are_told_what_is_wrong_with_them_first():
    body = refused({"columns": {"age": 5}}, "invalid_columns")
    assert {one["field"]: one["problem"] for one in body["problems"]}["age"] == "5 is no list"
    refused({"columns": {}}, "invalid_columns")


def test_a_batch_of_too_many_is_refused_before_its_customers_are_read():
    body = refused([{}] * (AT_MOST + 1), "too_many_rows")
    assert "401 customers; 400 are allowed" in body["message"]
    refused({"columns": {"x": [1] * (AT_MOST + 1)}}, "too_many_rows")
    assert answered([TEST001] * AT_MOST)[0].status == 200


def test_every_bad_customer_is_told_with_its_index_and_nothing_is_scored():
    bad = {**CUST001, "age": 7, "x": 1}
    body = refused([CUST001, bad, CUST001, {**CUST001, "contract": "Twoyear"}, 5], "invalid_batch")

    assert [(one["index"], one["field"]) for one in body["problems"]] == [
        (1, "x"),
        (1, "age"),
        (3, "contract"),
        (4, None),
    ]
    assert "3 customers have problems" in body["message"]


@pytest.mark.parametrize("skip", [False, True])
def test_a_batch_of_nothing_but_problems_gets_no_endless_list_but_each_customer_is_in_it(skip):
    sent = [{f"unknown_{i}": 1 for i in range(60)}] * AT_MOST

    _, body = answered(sent, skip=skip)

    told = Counter(one["index"] for one in body["problems"])
    assert {*told} == {*range(AT_MOST)}
    assert (told[0], told[AT_MOST - 1]) == (50, 1)
    assert sum(told.values()) < MANY_PROBLEMS + MOST_PROBLEMS_OF_A_ROW + AT_MOST


def test_with_skip_the_others_are_scored_and_name_their_place():
    columns = some(6, 2)
    sent = requests(columns)
    sent[1]["age"], sent[4] = float("inf"), "?"
    raw = json.dumps(sent).encode()

    found, body = answered(raw, skip=True)

    assert found.status == 200
    assert [one["index"] for one in body["predictions"]] == [0, 2, 3, 5]
    expected = scored(columns)
    assert probabilities(body) == [expected[i] for i in (0, 2, 3, 5)]
    assert (body["total_customers"], body["skipped_customers"]) == (4, 2)
    assert [(one["index"], one["problem"]) for one in body["problems"]] == [
        (1, "Infinity is not finite"),
        (4, '"?" is no customer'),
    ]
    assert found.refused == {"age": 1, "": 1}


def test_with_skip_a_batch_of_bad_customers_is_an_answer_without_predictions():
    found, body = answered([{}, 3], skip=True)

    assert found.status == 200
    assert (body["predictions"], body["total_customers"], body["skipped_customers"]) == ([], 0, 2)


# customers of allowed values from which no feature can be computed


@settings(quick, max_examples=15)
@given(seed=st.integers(0, 100), where=st.sets(st.integers(0, 39), min_size=1))
def test_a_customer_who_cannot_be_scored_harms_no_other(seed, where):
    columns = some(40, seed)
    expected = scored(columns)
    sent = requests(columns)
    for i in where:
        sent[i] |= {"monthly_charges": UNSCORABLE, "tenure_months": 600}
    line = lineup("limitless")

    body = refused(sent, "invalid_batch", line=line)
    assert [one["index"] for one in body["problems"]] == sorted(where)
    assert "customer_lifetime_value" in body["problems"][0]["problem"]

    _, body = answered(sent, line, skip=True)
    others = [i for i in range(40) if i not in where]
    assert [one["index"] for one in body["predictions"]] == others
    assert probabilities(body) == [expected[i] for i in others]


# whatever is sent


@st.composite
def mutated(draw):
    """Valid bodies with bytes changed, put in or taken out."""
    columns = some(3, draw(st.integers(0, 20)))
    content = draw(st.sampled_from([requests(columns), by_column(columns), TEST001, [TEST001]]))
    raw = bytearray(orjson.dumps(content))
    bits = [b"NaN", b"-Infinity", b"1e400", b'"', b"{", b"]", b",", b":", b"\\ud800", b"\xff", b"9"]
    pieces = st.one_of(st.binary(max_size=3), st.sampled_from([*bits, b"9" * 5000, b"[" * 2000]))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(raw)))
        raw[at : at + draw(st.integers(0, 6))] = draw(pieces)
    return bytes(raw)


@settings(deadline=None, max_examples=400)
@given(raw=st.one_of(st.binary(max_size=40), mutated()), skip=st.booleans())
def test_no_bytes_get_anything_but_an_answer_or_a_refusal(raw, skip):
    found, body = answered(raw, skip=skip)

    assert found.status in (200, 422)
    assert ("predictions" in body) == (found.status == 200)
    assert sum(found.levels.values()) == len(body.get("predictions", ()))


@settings(deadline=None, max_examples=400)
@given(raw=st.one_of(st.binary(max_size=40), mutated()))
def test_no_bytes_get_one_customer_anything_but_a_number_or_a_refusal(raw):
    from serve.body import parsed

    customers = model("telco").customers
    try:
        row = customers.one(parsed(raw, "one customer"))
    except RequestError as error:
        assert (error.status, orjson.dumps(error.body("id"))[:1]) == (422, b"{")
    else:
        (probability,) = model("telco").scorer.probabilities(customers.together([row]))
        assert 0 < probability < 1
