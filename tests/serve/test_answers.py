"""Answers: levels at their bounds, ids that sort by time, and what the caller reads."""

import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from math import nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.reasons import Reason
from churn.risk import LEVELS
from serve.answers import Answers, prediction_ids, timestamp, uuids7
from tests.serve.models import SETTINGS, model

answers = Answers.of(model("telco").customers, SETTINGS)


def _answer(probability=0.5, **more):
    return answers.one("CUST001", probability, True, "v1", "id", "now", **more)


@pytest.mark.parametrize(
    ("probability", "level", "recommendation"),
    [
        (0.0, "low", "Continue normal engagement"),
        (nextafter(0.3, 0), "low", "Continue normal engagement"),
        (0.3, "medium", "Send retention offer"),
        (nextafter(0.7, 0), "medium", "Send retention offer"),
        (0.7, "high", "Urgent: Personal outreach needed"),
        (1.0, "high", "Urgent: Personal outreach needed"),
    ],
)
def test_risk_has_three_levels_and_each_its_recommendation(probability, level, recommendation):
    found = _answer(probability)

    assert (found["risk_level"], found["recommendation"]) == (level, recommendation)
    assert level in LEVELS


def test_an_answer_has_these_fields_in_this_order():
    assert _answer() == {
        "customer_id": "CUST001",
        "churn_probability": 0.5,
        "will_churn": True,
        "risk_level": "medium",
        "recommendation": "Send retention offer",
        "timestamp": "now",
        "prediction_id": "id",
        "model_version": "v1",
    }
    assert next(iter(_answer())) == "customer_id"


def test_reasons_are_there_where_they_were_asked_for():
    found = _answer(reasons=[Reason("age", "42 years", 0.25)])

    assert found["reasons"] == [{"input": "age", "value": "42 years", "contribution": 0.25}]
    assert _answer(reasons=[])["reasons"] == []


def test_a_table_without_id_gives_answers_without_id():
    anonymous = Answers.of(model("shop").customers, SETTINGS)

    assert "churn_probability" in anonymous.one(None, 0.5, True, "v1", "id", "now")
    assert None not in anonymous.one(None, 0.5, True, "v1", "id", "now")


def test_levels_and_recommendations_are_the_settings():
    risk = SETTINGS.risk.model_copy(update={"medium": 0.1, "high": 0.2})
    words = SETTINGS.recommendation.model_copy(update={"high": "Ring them"})
    given_ = SETTINGS.model_copy(update={"risk": risk, "recommendation": words})

    found = Answers.of(model("telco").customers, given_).one("C", 0.2, False, "v", "i", "t")

    assert (found["risk_level"], found["recommendation"]) == ("high", "Ring them")


# ids and times


def test_prediction_ids_are_uuids_of_version_7_and_no_two_the_same():
    before = time.time_ns() // 1_000_000
    ids = [*prediction_ids(5000), *prediction_ids(1)]
    after = time.time_ns() // 1_000_000

    read = [uuid.UUID(one) for one in ids]
    assert {(one.version, one.variant) for one in read} == {(7, uuid.RFC_4122)}
    assert [str(one) for one in read] == ids
    assert len({*ids}) == 5001
    assert all(before <= one.int >> 80 <= after for one in read)


@given(
    times=st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=2, unique=True),
    random=st.lists(st.binary(min_size=10, max_size=10), min_size=2, max_size=2),
)
def test_ids_sort_by_time(times, random):
    earlier, later = sorted(times)

    assert uuids7(earlier, random[0]) < uuids7(later, random[1])


@given(st.integers(0, 2**48 - 1), st.lists(st.binary(min_size=10, max_size=10), max_size=5))
def test_an_id_holds_its_time_and_74_of_its_80_random_bits(time_in_ms, random):
    found = [uuid.UUID(one).int for one in uuids7(time_in_ms, b"".join(random))]

    # Of the digits after the time, version takes the first, the variant two bits of the fifth.
    assert [one >> 80 for one in found] == [time_in_ms] * len(random)
    for one, given_ in zip(found, random, strict=True):
        digits = int.from_bytes(given_, "big")
        kept = f"{one & (1 << 80) - 1:020x}"
        assert kept[0] == "7"
        assert kept[1:4] + kept[5:] == f"{digits:020x}"[:3] + f"{digits:020x}"[4:19]


def test_the_time_is_in_utc_and_iso_8601():
    found = timestamp()

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(found)) < timedelta(minutes=1)
