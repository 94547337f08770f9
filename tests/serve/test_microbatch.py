"""Micro-batches: whoever else is scored with a customer, the number is the customer's own."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.errors import InvalidCustomer
from serve.microbatch import MOST_ROWS, MicroBatch, predictions
from tests.serve.models import (
    CUST001,
    UNSCORABLE,
    generation,
    ids,
    lineup,
    model,
    requests,
    scored,
    some,
)

quick = settings(deadline=None, max_examples=40)


def rows(columns, name="telco"):
    return [model(name).customers.one(one) for one in requests(columns)]


def together(sent, pauses=()):
    """What a micro-batch answers (generation, row) each, with a turn of the loop at each pause."""

    async def run():
        batch, futures = MicroBatch(), []
        for i, (of, row) in enumerate(sent):
            if i in pauses:
                await asyncio.sleep(0)
            futures.append(batch.score(of, row))
        return await asyncio.gather(*futures, return_exceptions=True)

    return asyncio.run(run())


@quick
@given(
    seed=st.integers(0, 10**6),
    count=st.one_of(st.integers(1, 40), st.integers(MOST_ROWS - 1, MOST_ROWS + 50)),
    lost=st.sampled_from([0, 0.3, 1]),
    pauses=st.sets(st.integers(0, 300), max_size=10),
)
def test_a_customer_has_the_scorers_probability_whoever_is_in_the_micro_batch(
    seed, count, lost, pauses
):
    columns, now = some(count, seed, lost), generation()

    found = together([(now, row) for row in rows(columns)], pauses)

    assert [one.probability for one in found] == scored(columns)
    calls = model("telco").scorer.decisions(model("telco").scorer.probabilities(columns))
    assert [one.will_churn for one in found] == calls.tolist()
    assert {one.model_version for one in found} == {"telco"}


@quick
@given(seed=st.integers(0, 10**6), count=st.integers(1, 20))
def test_alone_with_reasons_or_with_others_is_the_same_number(seed, count):
    columns, now = some(count, seed), generation()
    expected = scored(columns)

    for i, row in enumerate(rows(columns)):
        (alone,), (explained,) = predictions(now, [row]), predictions(now, [row], explain=2)
        assert alone.probability == explained.probability == expected[i]
        assert alone.reasons is None
        assert len(explained.reasons) <= 2


@quick
@given(seed=st.integers(0, 10**6), turns=st.lists(st.booleans(), min_size=1, max_size=30))
def test_while_models_change_each_customer_is_scored_by_the_one_that_read_them(seed, turns):
    columns = some(len(turns), seed)
    old, new = generation(1), generation(2, name="challenger")

    found = together(
        [(new if one else old, row) for one, row in zip(turns, rows(columns), strict=True)]
    )

    numbers = {False: scored(columns), True: scored(columns, "challenger")}
    assert [one.probability for one in found] == [numbers[one][i] for i, one in enumerate(turns)]
    assert [one.model_version == "challenger" for one in found] == turns


def test_in_a_split_the_model_is_the_same_as_in_a_batch():
    columns, line = some(100, 0), lineup(other="challenger")
    expected = line.score(ids(100), columns)

    found = together([(generation(other="challenger"), row) for row in rows(columns)])

    assert [one.model_version for one in found] == expected.versions
    assert [one.probability for one in found] == expected.probabilities


@quick
@given(seed=st.integers(0, 100), where=st.sets(st.integers(0, 9), min_size=1, max_size=10))
def test_a_customer_who_cannot_be_scored_harms_no_other(seed, where):
    columns, now = some(10, seed), generation(name="limitless")
    sent = rows(columns, "limitless")
    for i in where:
        names = model("limitless").customers.names
        sent[i][names.index("monthly_charges")] = UNSCORABLE
        sent[i][names.index("tenure_months")] = 600.0

    found = together([(now, row) for row in sent])

    expected = scored(columns)
    for i, one in enumerate(found):
        if i in where:
            assert isinstance(one, InvalidCustomer)
            (problem,) = one.problems
            assert problem["problem"].startswith("it cannot be scored: feature customer_lifetime")
            assert problem["field"] is None
        else:
            assert one.probability == expected[i]


def test_what_nobody_foresaw_is_raised_to_each_who_waits():
    # A row that nothing could have read.
    now = generation()
    found = together([(now, model("telco").customers.one(CUST001)), (now, [])])

    assert [type(one) for one in found] == [IndexError, IndexError]


def test_who_no_longer_waits_holds_up_nobody():
    async def run():
        batch, now = MicroBatch(), generation()
        row = model("telco").customers.one(CUST001)
        gone, waits = batch.score(now, row), batch.score(now, row)
        gone.cancel()
        return (await waits).probability, gone.cancelled()

    probability, cancelled = asyncio.run(run())

    assert cancelled
    assert probability == pytest.approx(0.5, abs=0.5)
