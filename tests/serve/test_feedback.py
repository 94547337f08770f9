"""Reading outcomes: what is allowed, and what is said of the rest."""

from datetime import UTC, datetime, timedelta

import pytest

from churn.prediction_log import Feedback
from serve.errors import EmptyBatch, InvalidFeedback, TooManyRows
from serve.feedback import FeedbackReader, from_plain

ID = "01a210ea-440a-75a5-ba09-b66b2cfc6588"
PAST = "2026-01-31T00:00:00Z"
reader = FeedbackReader("customer_id")


def problems(given, of=reader):
    found = of.read(given)
    assert isinstance(found, list), found
    return {one.field: one.problem for one in found}


def test_an_outcome_names_a_customer_or_a_prediction():
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    by_customer = {"customer_id": "C1", "churned": True, "observed_at": PAST}
    by_prediction = {"prediction_id": ID.upper(), "churned": False, "observed_at": PAST}

    assert reader.read(by_customer) == Feedback("C1", None, True, moment)
    assert reader.read(by_prediction) == Feedback(None, ID, False, moment)


def test_a_moment_may_have_any_time_zone():
    found = reader.read(
        {"customer_id": "C1", "churned": True, "observed_at": "2026-01-31T02:00:00+02:00"}
    )

    assert found.observed_at == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"churned": "yes"}, "churned", '"yes" is neither true nor false'),
        ({"churned": 1}, "churned", "1 is neither true nor false"),
        ({"churned": None}, "churned", "null is neither true nor false"),
        ({"observed_at": "yesterday"}, "observed_at", '"yesterday" is no moment in ISO 8601'),
        ({"observed_at": "2026-01-31"}, "observed_at", '"2026-01-31" has no time zone'),
        ({"observed_at": 17}, "observed_at", "17 is no moment in ISO 8601"),
        ({"observed_at": "9999-12-31T23:59:59-23:00"}, "observed_at", None),
        ({"customer_id": 3}, "customer_id", "3 is no text"),
        ({"customer_id": None}, "customer_id", "null is no text"),
        ({"prediction_id": ID}, None, "whom is it about?"),
        ({"left": True}, "left", "unknown field"),
    ],
)
def test_what_is_wrong_is_told(change, field, problem):
    found = problems({"customer_id": "C1", "churned": True, "observed_at": PAST, **change})

    assert list(found) == [field]
    assert problem is None or found[field] == problem


def test_what_is_missing_is_told():
    found = problems({})

    assert found == {
        "churned": "missing",
        "observed_at": "missing",
        None: "whom is it about?",
    }


def test_a_moment_that_is_yet_to_come_is_refused_but_for_a_clock_that_is_ahead():
    def at(ahead):
        moment = (datetime.now(UTC) + ahead).isoformat()
        return {"customer_id": "C1", "churned": True, "observed_at": moment}

    assert isinstance(reader.read(at(timedelta(hours=1))), Feedback)
    assert "yet to come" in problems(at(timedelta(days=2)))["observed_at"]


@pytest.mark.parametrize("text", ["", "x", ID[:-1], f"{{{ID}}}", ID.replace("-", ""), f"{ID}\n"])
def test_a_prediction_id_is_spelt_as_in_the_answer(text):
    found = problems({"prediction_id": text, "churned": True, "observed_at": PAST})

    assert "is no prediction_id" in found["prediction_id"]


def test_a_table_without_ids_takes_predictions_only():
    anonymous = FeedbackReader(None)

    assert problems({"customer_id": "C1", "churned": True, "observed_at": PAST}, anonymous) == {
        "customer_id": "unknown field",
        None: "whom is it about?",
    }


def test_all_that_is_wrong_in_a_list_is_told_with_its_index():
    good = {"customer_id": "C1", "churned": True, "observed_at": PAST}

    with pytest.raises(InvalidFeedback, match="Nothing was recorded: 2 outcomes") as raised:
        reader.read_all([good, 3, {**good, "churned": 0}], 10)

    assert [one["index"] for one in raised.value.problems] == [1, 2]


def test_a_list_is_neither_empty_nor_too_long():
    good = {"customer_id": "C1", "churned": True, "observed_at": PAST}

    with pytest.raises(EmptyBatch, match="empty"):
        reader.read_all([], 10)
    with pytest.raises(TooManyRows, match="2 are allowed"):
        reader.read_all([good] * 3, 2)
    assert len(reader.read_all(good, 2)) == 1


def test_it_crosses_to_the_recorder_unchanged():
    given = reader.read({"customer_id": "C1", "churned": True, "observed_at": PAST})
    plain = {**vars(given), "observed_at": given.observed_at.isoformat()}

    assert from_plain([plain]) == [given]
