"""The bundle of a stage or a version, as its tag has it, whatever is checked out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from churn.bundle import Bundle
from commands.tags import newest, tag_of, version_at
from tests.checkout import Checkout


def fetched(tagged: Checkout, name: str, folder: Path) -> tuple[dict[str, Any], Bundle]:
    """What is said of a model, and its bundle."""
    said = tagged.run(sys.executable, "-m", "commands.fetch", name, str(folder))
    return json.loads(said), Bundle.load(folder)


def test_versions_and_stages_give_the_bundle_of_their_tag(
    tagged: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tagged.run("git", "tag", "churn#staging#1")

    version, at_version = fetched(tagged, "v1.2.0", tmp_path / "version")
    stage, at_stage = fetched(tagged, "prod", tmp_path / "stage")
    unversioned, today = fetched(tagged, "staging", tmp_path / "staging")

    # Of that commit, not of the one that is checked out.
    assert at_version.sha256 == at_stage.sha256 != today.sha256
    assert at_version.booster.num_boosted_rounds() == 30
    assert version == stage
    assert version["version"] == "v1.2.0"
    assert version["evaluation"]["metrics"]["roc_auc"]["low"] < 1
    assert unversioned["version"] == today.sha256[:12]
    monkeypatch.chdir(tagged.folder)
    assert (tag_of("v1.2.0"), tag_of("prod")) == ("churn@v1.2.0", "churn#prod#1")
    assert (tag_of("v1.2"), tag_of("pro")) == (None, None)
    assert version_at("churn#prod#1") == "v1.2.0"


def test_an_unknown_name_is_one_error(checkout: Checkout, tmp_path: Path):
    done = checkout.attempt(sys.executable, "-m", "commands.fetch", "v9", str(tmp_path / "model"))

    assert done.returncode == 1
    assert "no git tag churn@v9" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ([], None),
        (["churn#prod"], "churn#prod"),
        (["churn#prod#9", "churn#prod#10", "churn#prod#1"], "churn#prod#10"),
        (["churn#prod#1", "churn#prod"], "churn#prod#1"),
        (["churn#production", "churn#prod!#3", "churn@v1.0.0", "old/churn#prod"], None),
    ],
)
def test_of_several_tags_of_a_stage_the_highest_holds(tags, found):
    assert newest(tags, "prod") == found
