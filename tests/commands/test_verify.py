"""`make verify`: what counts as a difference."""

from __future__ import annotations

import sys

import pytest

from commands.verify import VARIATIONS, differences, hashes
from tests.checkout import ROOT, Checkout


def test_every_out_of_every_stage_is_compared():
    found = hashes((ROOT / "dvc.lock").read_text())
    assert {"data/raw/history.parquet", "models/churn", "reports/drift.html"} <= set(found)
    assert len(found) == 22


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ({"a": "1", "b": "2"}, []),
        ({"a": "1", "b": "3"}, ["b"]),
        ({"a": "1"}, ["b"]),
        ({"a": "1", "b": "2", "c": "3"}, ["c"]),
    ],
)
def test_a_changed_missing_or_new_out_is_a_difference(found, wrong):
    assert differences(found, {"a": "1", "b": "2"}) == wrong


def test_the_circumstances_asked_for_are_all_there():
    names = [
        "plain",
        "one-thread",
        "two-threads",
        "zone-and-locale",
        "hash-seed",
        "deep-folder",
        "old-cpu",
    ]
    assert {*names, "smote", "smote-one-thread", "smote-two-threads"} <= set(VARIATIONS)


def test_an_unknown_variation_is_told(checkout: Checkout):
    done = checkout.attempt(sys.executable, "-m", "commands.verify", "plane")
    assert done.returncode == 1
    assert "no variation plane; there are plain" in done.stderr


def test_a_lock_that_does_not_match_the_code_is_found(checkout: Checkout):
    # Given a commit whose lock has another hash for an out,
    lock = checkout.folder / "dvc.lock"
    old = checkout.outs()["reports/drift.json"]
    lock.write_text(lock.read_text().replace(old, "abcdef01" * 4))
    checkout.commit("a lock that is not true")
    # when it is rebuilt, then that out is named.
    done = checkout.attempt(sys.executable, "-m", "commands.verify", "plain")
    assert done.returncode == 1
    assert "DIFFERS: reports/drift.json" in done.stdout
