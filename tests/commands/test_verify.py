"""`make verify`: what counts as a difference."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from commands.compose import parameters
from commands.revisions import Commit, sha_of
from commands.verify import VARIATIONS, bring_customers, differences, hashes
from tests.checkout import ROOT, Checkout


def test_every_out_of_every_stage_is_compared():
    stages = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
    outs = [out for one in stages.values() for out in (*one["outs"], *one.get("metrics", ()))]
    paths = {out if isinstance(out, str) else next(iter(out)) for out in outs}
    assert len(paths) == len(outs) > 20
    assert set(hashes((ROOT / "dvc.lock").read_text())) == paths


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
    names = {
        *("plain", "one-thread", "two-threads", "zone-and-locale", "hash-seed", "deep-folder"),
        *("old-cpu", "smote", "smote-one-thread", "smote-two-threads", "smote-old-cpu"),
        *("search", "search-one-thread", "search-old-cpu"),
    }
    assert names <= set(VARIATIONS)


def test_every_variation_composes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    found = {name: parameters([*one.overrides]) for name, one in VARIATIONS.items()}
    for name, one in found.items():
        is_smote, is_search = name.startswith("smote"), name.startswith("search")
        assert (one.balance.method == "smote") == is_smote
        assert (one.search.method == "optuna") == is_search
    # Between them, every way to calibrate is rebuilt: the default is the best of all.
    assert {one.calibration.method for one in found.values()} == {"best", "sigmoid", "isotonic"}


def test_customers_that_dvc_keeps_come_along(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name, clone = "incoming/history.csv", tmp_path / "clone"
    kept = checkout.folder / name
    kept.parent.mkdir()
    kept.write_text("customer_id\n")
    checkout.run("dvc", "add", "-q", name)
    checkout.commit("customers")
    kept.unlink()
    checkout.run("git", "clone", "-q", ".", str(clone))
    monkeypatch.chdir(checkout.folder)

    bring_customers(Commit("HEAD", sha_of("HEAD")), clone)

    assert (clone / name).read_text() == "customer_id\n"


def test_an_unknown_variation_is_told(checkout: Checkout):
    done = checkout.attempt(sys.executable, "-m", "commands.verify", "plane")
    assert done.returncode == 1
    assert "no variation plane; there are plain" in done.stderr


@pytest.mark.whole
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
