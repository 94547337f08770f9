"""make challenger and make retrain: from a real log to a model in production, or none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from churn.migrating import migrate
from commands.challenger import CLONE
from commands.clone import MARK
from commands.verify import Variation, rebuilt
from tests.checkout import Checkout
from tests.commands.test_retrain_check import World

SMALL_SEARCH = {
    "folds": 2,
    "trials": 4,
    "space": {"max_depth": [1, 2], "n_estimators": [10, 30], "learning_rate": [0.1, 0.3]},
}


class Loop(World):
    """A checkout with a champion, the log, and what the commands make of them."""

    def command(self, name: str) -> list[str]:
        return [sys.executable, "-m", f"commands.{name}"]

    def run(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(name),
            cwd=self.checkout.folder,
            env={**os.environ, "DATABASE_URL": self.url, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def found(self) -> dict[str, Any]:
        return json.loads((self.checkout.folder / "reports/challenger.json").read_text())

    def said(self) -> str:
        return (self.checkout.folder / "reports/challenger.md").read_text()

    def tags(self, pattern: str) -> list[str]:
        return self.checkout.run("git", "tag", "--list", pattern).split()


@pytest.fixture
def loop(registry: Checkout, tmp_path: Path) -> Loop:
    """v1.0.0, which asks a single question, is the champion and checked out."""
    registry.change_yaml("conf/search/optuna.yaml", lambda it: it.update(SMALL_SEARCH))
    registry.commit("a small search")
    registry.run("git", "tag", "churn#prod#1", "churn@v1.0.0")
    url = f"sqlite:///{tmp_path}/log.db"
    migrate(url)
    return Loop(registry, url)


def state(checkout: Checkout) -> list[str]:
    """What a run must leave as it is: the commit, the files, the model."""
    return [
        checkout.run("git", "rev-parse", "HEAD"),
        checkout.run("git", "status", "--porcelain"),
        checkout.run("dvc", "status", "-q"),
    ]


def test_as_long_as_there_is_no_need_the_champion_stays(loop: Loop):
    loop.fill("none")

    done = loop.run("retrain")

    assert done.returncode == 0, done.stderr
    assert "The champion stays: there is no need to train again.\n" in done.stdout
    assert (loop.found()["outcome"], loop.found()["champion"]) == ("no need", "churn#prod#1")
    assert loop.tags("churn#prod#2") == []


@pytest.mark.whole
def test_a_challenger_that_wins_serves_production_and_a_killed_run_is_gone_on_with(loop: Loop):
    loop.fill("strong")
    before = state(loop.checkout)
    # Given a run that is killed in the middle of the pipeline,
    with subprocess.Popen(
        loop.command("retrain"),
        cwd=loop.checkout.folder,
        env={**os.environ, "DATABASE_URL": loop.url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        clean = loop.checkout.folder / CLONE / "data/clean/history.parquet"
        while not clean.exists():
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    conf = loop.checkout.folder / CLONE / "conf/source/prediction_log.yaml"
    moment = conf.read_text()
    assert loop.tags("churn#prod#2") == []

    # when it is run again,
    done = loop.run("retrain")

    # then it goes on with the moment of the first,
    assert done.returncode == 0, done.stderr
    assert loop.checkout.run("git", "show", "retrain:conf/source/prediction_log.yaml") == moment
    # the model has a version and the stage, and stands on the customers of the log;
    assert "v1.2.0 is in prod: the git tag churn#prod#2\n" in done.stdout
    found = loop.found()
    assert (found["outcome"], found["against"]) == ("promoted", [])
    assert any("has drifted" in reason for reason in found["why"])
    commit = loop.checkout.run("git", "rev-parse", "retrain").strip()
    assert commit == found["commit"]
    assert loop.checkout.run("git", "rev-parse", "churn@v1.2.0^{commit}").strip() == commit
    manifest = loop.checkout.run("dvc", "get", "-q", ".", "data/raw/manifest.json", "--rev", commit)
    assert manifest == ""
    told = json.loads((loop.checkout.folder / "manifest.json").read_text())
    (loop.checkout.folder / "manifest.json").unlink()
    assert told["history"]["source"] == "prediction_log"
    # the working tree is as it was, and the branch is what its conf/ says.
    assert state(loop.checkout) == before
    assert not (loop.checkout.folder / CLONE).exists()
    # Killed when all was done but to say so, it is said by the next run.
    clone = Checkout(loop.checkout.folder / CLONE)
    loop.checkout.run("git", "clone", "-q", "-b", "retrain", ".", str(clone.folder))
    clone.run("git", "update-ref", MARK, "HEAD~1")
    done = loop.run("retrain")
    assert (done.returncode, loop.found()["outcome"]) == (0, "promoted"), done.stderr
    assert "git push origin 'churn#prod#2'\n" in done.stdout
    assert not clone.folder.exists()
    loop.checkout.run("git", "checkout", "-q", "retrain")
    loop.checkout.run(sys.executable, "-m", "commands.compose", "--check")
    loop.checkout.run(sys.executable, "-m", "commands.figures", "--check")
    # It rebuilds from the snapshot, without the database.
    Path(loop.url.removeprefix("sqlite:///")).unlink()
    assert rebuilt(Variation(), loop.checkout.folder, commit) == loop.checkout.outs()
    assert "data/raw/history.parquet" in loop.said()
    assert "Verdict: **better**" in loop.said()


@pytest.mark.whole
def test_a_challenger_that_does_not_win_changes_nothing(loop: Loop):
    loop.checkout.run("git", "tag", "churn#prod#2", "churn@v1.1.0")
    loop.fill("none")

    # The customers are such as the champion knows, and fewer.
    done = loop.run("challenger", FORCE="1")

    assert done.returncode == 0, done.stderr
    found = loop.found()
    assert found["outcome"] == "kept"
    assert found["why"] == ["asked for"]
    assert found["against"][0].startswith("compared with churn#prod#2: ")
    assert f"The champion stays.\n- {found['against'][0]}" in done.stdout
    assert loop.tags("churn@v1.2.0") == loop.checkout.run("git", "branch", "--list", "re*").split()


@pytest.mark.whole
def test_mistakes_are_told(loop: Loop):
    loop.checkout.run("git", "tag", "-d", "churn#prod#1")
    done = loop.run("retrain")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: there is no champion to challenge")

    # No customer of the log has an outcome.
    loop.checkout.run("git", "tag", "churn#prod#1", "churn@v1.0.0")
    done = loop.run("retrain", FORCE="1")
    assert done.returncode == 1
    assert done.stderr.endswith("Mend it and run this again.\n")
    assert "of 0 predictions" in done.stderr
    # What has been mended since is seen: the next run begins anew.
    assert not (loop.checkout.folder / CLONE).exists()

    loop.checkout.run("git", "branch", "retrain")
    done = loop.run("retrain", FORCE="1")
    assert "error: the git branch retrain cannot be moved" in done.stderr
