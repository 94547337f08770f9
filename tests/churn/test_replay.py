"""Comparing a logged prediction with the same scored again: bits, distances, causes."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.prediction_log_queries import Logged
from churn.replay import Ground, Replayed, Scored, cause, number, ulps

ROW = Logged("01890a5d-ac96-7774-bcce-b302099a8057", "{}", 0.25, True, "low", "v1.2.0")
RELEASE = Ground("v1.2.0", "git tag churn@v1.2.0", "ab" * 32, 0.2, "c0ffee" * 7, None, ())
FOLDER = replace(RELEASE, version="abababababab", where="the folder models/churn")
GOLDEN = "golden row 3 of the bundle has the probability 0.1, at training it had 0.2"


def found(logged: object, scored: float, *, decision: bool = True) -> Replayed:
    return Replayed(replace(ROW, probability=logged), RELEASE, Scored(scored, decision))


@given(st.floats(0, 1))
def test_a_probability_is_equal_to_itself_and_one_step_from_its_neighbours(value: float):
    above, below = math.nextafter(value, 2), math.nextafter(value, -1)

    assert found(value, value).status == "equal"
    assert (ulps(value, value), ulps(value, above), ulps(below, value)) == (0, 1, 1)
    assert {found(value, above).status, found(below, value).status} == {"different"}
    assert float.fromhex(str(number(value)["hex"])) == value


@pytest.mark.parametrize(
    ("logged", "scored", "distance"),
    [
        (0.5, 0.5 + 2**-50, 8),
        (5e-324, -5e-324, 2),
        (-0.0, 0.0, 0),
        (math.nan, 0.5, None),
        ("0.5", 0.5, None),
        (1, 1.0, None),
        (None, 0.5, None),
        (math.inf, 1.7976931348623157e308, 1),
    ],
)
def test_what_has_other_bits_is_different_whatever_it_is_worth(logged, scored, distance):
    told = found(logged, scored).evidence()

    assert told["status"] == "different"
    assert told["probability"]["logged"]["repr"] == repr(logged)
    assert told["probability"]["ulps"] == distance


def test_the_decision_alone_may_differ():
    told = found(0.25, 0.25, decision=False).evidence()

    assert told["will_churn"] == {"logged": True, "found": False}
    assert (told["probability"]["ulps"], told["cause"]) == (0, "altered")
    assert "the threshold 0.2 alone" in told["because"]


def test_what_was_not_scored_says_why():
    refused = Replayed(ROW, RELEASE, None, "age: 300 is too high")
    no_model = Replayed(ROW, None, None, "no git tag churn@v1.2.0 is here")

    assert (refused.status, no_model.status) == ("refused", "no model")
    assert refused.evidence()["problem"] == "age: 300 is too high"
    assert no_model.evidence() == {
        "prediction_id": ROW.prediction_id,
        "model_version": "v1.2.0",
        "status": "no model",
        "problem": "no git tag churn@v1.2.0 is here",
    }


@pytest.mark.parametrize(
    ("ground", "key", "says"),
    [
        (replace(RELEASE, golden=GOLDEN), "machine", [GOLDEN, "are those of its commit"]),
        (replace(RELEASE, golden=GOLDEN, commit=None), "machine", ["no commit to compare"]),
        (
            replace(RELEASE, golden=GOLDEN, changed=["telco.py"]),
            "features",
            ["telco.py is not as in commit c0ffeec0ffee", GOLDEN],
        ),
        (
            replace(RELEASE, changed=["telco.py"]),
            "features or altered",
            ["changed since (telco.py", "Golden rows score as at training"],
        ),
        (RELEASE, "altered", ["or git tag churn@v1.2.0 names another bundle than then"]),
        (FOLDER, "altered", ["its bundle is the one whose hash the row names"]),
    ],
)
def test_the_cause_is_what_the_evidence_leaves(ground: Ground, key: str, says: list[str]):
    word, sentence = cause(ground, same_bits=False)

    assert word == key
    assert all(part in sentence for part in says)
