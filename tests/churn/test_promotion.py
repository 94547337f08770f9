"""Versions and stages: their names, what speaks against a promotion, what was there before."""

from __future__ import annotations

import pytest

from churn.champion import Comparison
from churn.errors import InvalidStage, InvalidVersion
from churn.promotion import (
    ROLLBACK,
    Held,
    checked_stage,
    checked_version,
    comparison_reasons,
    earlier,
    leak_reasons,
    promotion_message,
    rollback_message,
)


@pytest.mark.parametrize("version", ["v0.0.1", "v1.2.0", "v10.20.30"])
def test_a_version_is_three_numbers(version):
    assert checked_version(version) == version


@pytest.mark.parametrize(
    "version",
    ["", "1.2.0", "v1.2", "v1.2.0.1", "v1.2.0-rc1", "v01.2.0", "v1.2.0 ", "v1.2.0\n", "v１.2.0"],
)
def test_anything_else_is_no_version(version):
    with pytest.raises(InvalidVersion, match=r"is no version: .* such as VERSION=v1\.2\.0"):
        checked_version(version)


@pytest.mark.parametrize("stage", ["prod", "staging", "eu-west-1", "p2"])
def test_a_stage_is_a_word(stage):
    assert checked_stage(stage) == stage


@pytest.mark.parametrize(
    "stage", ["p", "Prod", "pro_d", "a b", "-prod", "prod-", "1st", "v1", "x;y", "é1"]
)
def test_anything_else_is_no_stage(stage):
    with pytest.raises(InvalidStage, match=r"is no stage: .* such as STAGE=prod"):
        checked_stage(stage)


def test_no_stage_is_missing():
    with pytest.raises(InvalidStage, match=r"^STAGE is missing: .* such as STAGE=prod"):
        checked_stage("")


def held(*commits: str) -> list[Held]:
    """Tags on commits, numbered; `<a` is a rollback to commit a."""
    return [
        Held(f"#{n}", one.removeprefix("<"), f"{ROLLBACK}#{n - 1}" if one[0] == "<" else "Promote")
        for n, one in enumerate(commits, 1)
    ]


@pytest.mark.parametrize(
    ("commits", "back"),
    [
        ([], None),
        (["a"], None),
        (["a", "b"], "#1"),
        (["a", "b", "c", "<b"], "#1"),
        (["a", "b", "c", "<b", "<a"], None),
        (["a", "b", "<a", "c"], "#1"),
        # promoted again is no rollback
        (["a", "b", "a"], "#2"),
        (["a", "b", "a", "<b"], "#1"),
        # tagged twice is promoted once
        (["a", "a"], None),
        (["a", "b", "b"], "#1"),
        # the tag of what it went back to is gone
        (["b", "<a"], None),
    ],
)
def test_a_rollback_goes_one_further_back_each_time(commits, back):
    found = earlier(held(*commits))

    assert (found and found.tag) == back


def test_the_message_of_a_rollback_makes_it_one():
    subject = rollback_message("churn#prod#2", "churn#prod#1", "v1.2.0").splitlines()[0]
    history = [Held("#1", "a", ""), Held("#2", "b", ""), Held("#3", "a", subject)]

    assert earlier(history) is None


def compared(*, promote: bool) -> Comparison:
    return Comparison(400, 90, "log_loss", {}, (), "worse", None, promote, ("one", "two"))


def test_a_comparison_speaks_against_a_promotion_only_if_lost():
    assert comparison_reasons(None, "churn#prod#1") == []
    assert comparison_reasons(compared(promote=True), "churn#prod#1") == []
    assert comparison_reasons(compared(promote=False), "churn#prod#1") == [
        "compared with churn#prod#1: worse on log_loss; one; two"
    ]


def test_every_leak_alarm_is_a_reason():
    alarms = [{"message": "age alone ranks"}, {"message": "plan is missing"}]

    assert leak_reasons({"bundle_sha256": "a", "leaks": []}, "a") == []
    assert leak_reasons({"bundle_sha256": "a", "leaks": alarms}, "a") == [
        "leak alarm: age alone ranks",
        "leak alarm: plan is missing",
    ]


@pytest.mark.parametrize("evaluation", [None, {"bundle_sha256": "b", "leaks": []}])
def test_a_report_of_another_model_says_nothing_of_this_one(evaluation):
    (reason,) = leak_reasons(evaluation, "a")

    assert "is not of this model" in reason


def test_the_message_of_a_promotion_keeps_what_was_overridden_and_why():
    assert promotion_message("v2.0.0", "prod", None, [], "") == (
        "Promote v2.0.0 to prod\n\nIn place of: nothing\nAll checks passed.\n"
    )
    assert promotion_message("v2.0.0", "prod", "churn#prod#1", ["one", "two"], "a hotfix") == (
        "Promote v2.0.0 to prod\n\nIn place of: churn#prod#1\nReason: a hotfix\n"
        "Overridden:\n- one\n- two\n"
    )
