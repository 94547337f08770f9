"""make pull-request: a challenger that wins is pushed and proposed, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.errors import BranchInUse, NoRemote, NotChallenged
from churn.files import write_json
from churn.params import read_parameters
from commands.challenger import REPORT, SUBJECT, TEXT
from commands.pull_request import pull_request
from tests.checkout import Checkout
from tests.gh import Gh

PULLS = "repos/team/churn/pulls"
LIST = ("api", "-X", "GET", PULLS)
BASE = ("api", "repos/team/churn")
CREATE, EDIT = ("api", "-X", "POST", PULLS), ("api", "-X", "PATCH", f"{PULLS}/12")
ADDRESS = "https://github.com/team/churn/pull/12"


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gh:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_REPOSITORY", "team/churn")
    return Gh(tmp_path / "bin", monkeypatch)


def found(outcome: str) -> None:
    """What make challenger leaves."""
    write_json(REPORT, {"outcome": outcome, "champion": "churn#prod#1"})
    TEXT.write_text(f"## The {outcome} report\n")


def challengers(registry: Checkout, *revisions: str) -> Iterator[str]:
    """Commits as make challenger makes them, with the files of others."""
    for one in revisions:
        tree = ("git", "commit-tree", f"{one}^{{tree}}", "-p", "HEAD", "-m", SUBJECT)
        yield registry.run(*tree).strip()


def propose() -> None:
    pull_request(read_parameters(Path("params.yaml")))


@pytest.mark.whole
def test_a_challenger_that_wins_is_proposed_and_the_next_takes_its_place(
    registry: Checkout, gh: Gh, tmp_path: Path
):
    registry.run("git", "init", "-q", "--bare", str(tmp_path / "origin"))
    registry.run("git", "remote", "add", "origin", str(tmp_path / "origin"))
    registry.run("dvc", "remote", "add", "-q", "--local", "-d", "store", str(tmp_path / "store"))
    found("wins")

    first, second = challengers(registry, "churn@v1.1.0", "churn@v1.0.0")
    registry.run("git", "branch", "retrain", first)
    gh.answers({LIST: "", CREATE: ADDRESS, BASE: "main"})
    propose()
    # Of another history: what was proposed before is not built upon.
    registry.run("git", "branch", "-f", "retrain", second)
    gh.answers({LIST: "12", EDIT: ADDRESS})
    propose()

    listed, _, created, _, edited = gh.calls()
    assert "head=team:retrain" in listed.words
    told = {"title": "The challenger wins against churn#prod#1", "body": "## The wins report\n"}
    assert json.loads(created.given) == told | {"head": "retrain", "base": "main"}
    assert json.loads(edited.given) == told
    pushed = registry.run("git", "ls-remote", "origin", "retrain").split()[0]
    assert pushed == second
    # What somebody has committed to it in the meantime is not thrown away.
    registry.run("git", "push", "-q", "-f", "origin", "churn@v1.1.0^{commit}:refs/heads/retrain")
    with pytest.raises(BranchInUse, match=r"origin/retrain .*somebody has committed to it"):
        propose()
    registry.run("git", "push", "-q", "-f", "origin", f"{second}:refs/heads/retrain")
    # A colleague with nothing but the remotes has its model.
    colleague = tmp_path / "colleague"
    registry.run("git", "clone", "-q", "-b", "retrain", str(tmp_path / "origin"), str(colleague))
    other = Checkout(colleague)
    other.run("dvc", "remote", "add", "-q", "--local", "-d", "store", str(tmp_path / "store"))
    other.run("dvc", "pull", "-q", "models/churn")
    assert (colleague / "models/churn/model.ubj").is_file()


def test_where_the_champion_stays_it_is_said_and_nothing_pushed(
    registry: Checkout, gh: Gh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    found("kept")

    propose()

    assert "## The kept report" in capsys.readouterr().out
    assert (tmp_path / "summary.md").read_text() == "## The kept report\n"
    assert gh.calls() == []


def test_mistakes_are_told(registry: Checkout, gh: Gh):
    with pytest.raises(NotChallenged, match=r"json: no such file. Run make challenger"):
        propose()
    found("wins")
    with pytest.raises(NoRemote, match="dvc remote add"):
        propose()
    assert gh.calls() == []
