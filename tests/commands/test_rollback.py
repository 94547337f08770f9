"""`make rollback`: the model before, then the one before that, and only if it still works."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from churn.errors import InvalidStage, NoEarlierVersion, NotWithinReach
from churn.params import read_parameters
from commands.rollback import rollback
from commands.tags import git, tag_of, version_at
from tests.checkout import Checkout


def rolled_back(stage: str = "prod") -> None:
    rollback(stage, read_parameters(Path("params.yaml")))


@pytest.fixture
def promoted(registry: Checkout) -> Checkout:
    """v1.1.0 came after v1.0.0, by tags made by hand."""
    git("tag", "churn#prod", "churn@v1.0.0^{commit}")
    git("tag", "churn#prod#1", "churn@v1.1.0^{commit}")
    return registry


def test_each_rollback_goes_one_further_back(promoted: Checkout, capsys):
    # Given a third model, of no version,
    promoted.run("git", "commit", "-q", "--allow-empty", "-m", "the same model again")
    git("tag", "churn#prod#2")
    # when it is taken back, and the one before it, then the first is left,
    rolled_back()
    assert version_at(tag_of("prod")) == "v1.1.0"
    rolled_back()
    assert version_at(tag_of("prod")) == "v1.0.0"
    assert "v1.0.0 is in prod again: the git tag churn#prod#4\n" in capsys.readouterr().out
    # and nothing is before that.
    with pytest.raises(
        NoEarlierVersion, match=r"prod is at the first model that it had \(churn#prod#4\)"
    ):
        rolled_back()


def test_a_model_without_a_version_comes_back_by_its_tag(promoted: Checkout, capsys):
    promoted.run("git", "commit", "-q", "--allow-empty", "-m", "the same model again")
    git("tag", "churn#prod#2")
    git("tag", "churn#prod#3", "churn@v1.1.0^{commit}")

    rolled_back()

    out, err = capsys.readouterr()
    assert out.startswith("the model of churn#prod#2 is in prod again: the git tag churn#prod#4\n")
    # MLflow knows of versions only.
    assert err.startswith(
        "warning: MLflow's alias prod stays where it is: the stage's model has no"
    )
    assert err.count("\n") == 1


def test_a_model_that_is_gone_does_not_come_back(promoted: Checkout):
    shutil.rmtree(".dvc/cache")

    with pytest.raises(NotWithinReach, match=r"git tag churn#prod cannot be fetched"):
        rolled_back()
    assert tag_of("prod") == "churn#prod#1"


def test_a_model_that_scores_otherwise_does_not_come_back(promoted: Checkout):
    promoted.score_otherwise()

    done = promoted.attempt(sys.executable, "-m", "commands.rollback")

    assert done.returncode == 1
    assert done.stderr.startswith("error: golden row ")
    assert done.stderr.count("\n") == 1
    assert tag_of("prod") == "churn#prod#1"


def test_a_stage_without_a_past_is_told(registry: Checkout):
    with pytest.raises(NoEarlierVersion, match=r"stage prod has had no model: there"):
        rolled_back()
    with pytest.raises(InvalidStage):
        rolled_back("Prod")
