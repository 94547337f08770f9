"""`make promote`: what is checked and refused, what the tag says, what MLflow then knows."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from churn import mirror
from churn.errors import (
    AlreadyInStage,
    InvalidStage,
    InvalidVersion,
    NoRepository,
    NotWithinReach,
    PromotionRefused,
    ReasonMissing,
    UnknownVersion,
)
from churn.params import read_parameters
from commands import track
from commands.promote import Wish, promote
from commands.rollback import rollback
from commands.tags import commit_of, git, tag_of
from tests.checkout import Checkout

ALIASES = """
select alias, value from registered_model_aliases as known join model_version_tags as tag
on tag.name = known.name and tag.version = known.version and tag.key = 'version'
"""


def promoted(version: str, stage: str = "prod", **environment: str) -> None:
    wish = Wish.of({"VERSION": version, "STAGE": stage, **environment})
    promote(wish, read_parameters(Path("params.yaml")))


def message(tag: str) -> str:
    return git("tag", "--list", "--format=%(contents)", tag)


# what passes


@pytest.mark.whole
def test_released_promoted_promoted_another_rolled_back(
    registry: Checkout, capsys, monkeypatch: pytest.MonkeyPatch
):
    # Given two versions, when the first is promoted, then there is nothing to compare it with.
    promoted("v1.0.0")
    assert message("churn#prod#1") == (
        "Promote v1.0.0 to prod\n\nIn place of: nothing\nAll checks passed."
    )
    assert "make track tells MLflow of them" in capsys.readouterr().err
    # When MLflow is there again, then it is told of all.
    monkeypatch.setattr(mirror, "SERVER_SECONDS", 60.0)
    uri = "sqlite:///mlruns/mlflow.db"
    registry.change_params(lambda given: given["tracking"].update(uri=uri))
    track.main()
    assert "MLflow   model churn: v1.0.0, v1.1.0, v1.0.0 as prod\n" in capsys.readouterr().out
    assert aliases() == {"prod": "v1.0.0"}
    # When a better one is promoted, which is not checked out, then it wins.
    promoted("v1.1.0")
    out, err = capsys.readouterr()
    assert "churn@v1.1.0 as challenger of churn#prod#1.\n" in out
    assert "The challenger may be promoted" in out
    assert "v1.1.0 is in prod: the git tag churn#prod#2\n" in out
    assert err == ""
    assert commit_of("churn#prod#2") == commit_of("churn@v1.1.0") != git("rev-parse", "HEAD")
    assert aliases() == {"prod": "v1.1.0"}
    # When it is taken back, then the first is there again, for all who ask.
    rollback("prod", read_parameters(Path("params.yaml")))
    assert message("churn#prod#3") == (
        "Rollback of churn#prod#2\n\nBack to v1.0.0, as by churn#prod#1"
    )
    assert tag_of("prod") == "churn#prod#3"
    assert aliases() == {"prod": "v1.0.0"}
    assert json.loads(registry.run("gto", "show", "churn#prod", "--json"))[0]["version"] == "v1.0.0"


def aliases() -> dict[str, str]:
    """What MLflow's own tables say: the version by alias."""
    with closing(sqlite3.connect("mlruns/mlflow.db")) as database:
        return dict(database.execute(ALIASES).fetchall())


# what is refused


def test_everything_that_speaks_against_it_is_said_at_once_and_can_be_overridden(
    registry: Checkout,
):
    # Given a version that is worse, of a commit with a leak and a lock that does not match, and
    # of which the code of today makes other probabilities,
    git("tag", "churn#prod#1", "churn@v1.1.0")
    report = registry.folder / "reports/evaluation.json"
    content = json.loads(report.read_text())
    content["leaks"] = [{"message": "age alone ranks churners"}]
    report.write_text(json.dumps(content))
    registry.commit("leaky")
    git("tag", "churn@v2.0.0")
    registry.score_otherwise()
    # when it is to be promoted, then every reason is there, and no tag;
    command = ("env", "VERSION=v2.0.0", "STAGE=prod", "FORCE=", "REASON=the old one\nis gone")
    program = (sys.executable, "-m", "commands.promote")
    done = registry.attempt(*command, *program)
    first, *reasons, last = done.stderr.splitlines()
    assert done.returncode == 1
    assert first == "error: v2.0.0 is not promoted to prod:"
    starts = (
        *("- compared with churn#prod#1: worse on log_loss; ", "- leak alarm: age alone ranks"),
        "- dvc.lock does not match the code of churn@v2.0.0: evaluate: reports/evaluation.json",
        "- golden row ",
    )
    assert all(one.startswith(start) for one, start in zip(reasons, starts, strict=True)), reasons
    assert last.endswith('FORCE=1 REASON="…".')
    assert "churn#prod#2" not in git("tag")
    # when it is forced, then the tag keeps the reasons and the one who gave theirs.
    said = registry.run(*command, "FORCE=1", *program)
    told = message("churn#prod#2").splitlines()
    assert told[2:5] == ["In place of: churn#prod#1", "Reason: the old one is gone", "Overridden:"]
    assert told[5:] == reasons
    assert said.count("- overridden: ") == len(reasons)


def test_without_the_rows_of_the_version_there_is_no_comparison(registry: Checkout):
    git("tag", "churn#prod#1", "churn@v1.1.0")
    rows = registry.outs()["data/features/test.parquet"]
    (registry.folder / f".dvc/cache/files/md5/{rows[:2]}/{rows[2:]}").unlink()

    told = r"- not compared with churn#prod#1: data/features/test.parquet of git .* dvc push"
    with pytest.raises(PromotionRefused, match=rf"(?s)^v1.0.0 is not promoted to prod:\n{told}"):
        promoted("v1.0.0")


def test_a_version_whose_model_is_nowhere_cannot_even_be_forced(registry: Checkout):
    shutil.rmtree(".dvc/cache")

    with pytest.raises(NotWithinReach, match=r"churn@v1.1.0 cannot be fetched.*dvc push"):
        promoted("v1.1.0", FORCE="1", REASON="it must be")
    assert "#" not in git("tag")


def test_a_stage_of_its_own_has_nothing_to_be_compared_with(registry: Checkout):
    git("tag", "churn#prod#1", "churn@v1.1.0")

    promoted("v1.0.0", "staging")

    assert message("churn#staging#2").startswith(
        "Promote v1.0.0 to staging\n\nIn place of: nothing"
    )


def test_what_is_there_already_is_told(registry: Checkout):
    git("tag", "churn#prod#1", "churn@v1.1.0")

    with pytest.raises(AlreadyInStage, match=r"v1.1.0 is in prod already, by git tag churn#prod#1"):
        promoted("v1.1.0")


def test_an_unknown_version_is_told_from_those_that_are_known(registry: Checkout):
    told = r"no version v1.1.1 \(did you mean 'v1.1.0'\?\); there are: v1.0.0, v1.1.0\. git fetch"
    with pytest.raises(UnknownVersion, match=told):
        promoted("v1.1.1")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, InvalidVersion),
        ({"VERSION": "prod", "STAGE": "prod"}, InvalidVersion),
        ({"VERSION": "v1.0.0"}, InvalidStage),
        ({"VERSION": "v1.0.0", "STAGE": "Prod"}, InvalidStage),
        ({"VERSION": "v1.0.0", "STAGE": "prod", "FORCE": "1"}, ReasonMissing),
        ({"VERSION": "v1.0.0", "STAGE": "prod", "FORCE": "1", "REASON": " "}, ReasonMissing),
    ],
)
def test_what_cannot_be_wished_for_is_told(given, error):
    with pytest.raises(error, match=r"such as|needs a reason"):
        Wish.of(given)


def test_no_force_is_no_force():
    wish = {"VERSION": "v1.0.0", "STAGE": "prod", "FORCE": "0", "REASON": "a note"}

    assert Wish.of(wish) == Wish("v1.0.0", "prod", force=False, reason="a note")


def test_without_a_repository_nothing_is_promoted(registry: Checkout):
    shutil.rmtree(".git")

    with pytest.raises(NoRepository, match="Run this in a clone"):
        promoted("v1.0.0")
