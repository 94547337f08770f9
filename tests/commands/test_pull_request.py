"""make pull-request: a challenger that wins is pushed and proposed, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn.errors import NoRemote, NotChallenged
from churn.files import write_json
from churn.params import read_parameters
from commands.challenger import REPORT, TEXT
from commands.pull_request import pull_request
from tests.checkout import Checkout
from tests.gh import Gh

LIST, CREATE, EDIT = ("pr", "list"), ("pr", "create"), ("pr", "edit", "12")


@pytest.fixture
def gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gh:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return Gh(tmp_path / "bin", monkeypatch)


def found(outcome: str) -> None:
    """What make challenger leaves."""
    write_json(REPORT, {"outcome": outcome, "champion": "churn#prod#1"})
    TEXT.write_text(f"## The {outcome} report\n")


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

    registry.run("git", "branch", "retrain", "churn@v1.1.0")
    gh.answers({LIST: "", CREATE: "https://github.com/team/churn/pull/12"})
    propose()
    # Of another history: what was proposed before is not built upon.
    registry.run("git", "branch", "-f", "retrain", "churn@v1.0.0")
    gh.answers({LIST: "12", EDIT: ""})
    propose()

    _, created, _, edited = (call.words for call in gh.calls())
    told = ["--title", "The challenger wins against churn#prod#1", "--body-file", str(TEXT)]
    assert created == ["pr", "create", "--head", "retrain", *told]
    assert edited == [*EDIT, *told]
    pushed = registry.run("git", "ls-remote", "origin", "retrain").split()[0]
    assert pushed == registry.run("git", "rev-parse", "churn@v1.0.0^{commit}").strip()
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
