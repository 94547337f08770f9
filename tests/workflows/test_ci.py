"""The whole of ci.yml's sequence, in a clone with two commits that differ."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from churn.pull_request import MARK
from tests.checkout import ROOT, Checkout
from tests.conftest import use_the_embedded_table

pytestmark = pytest.mark.whole
CI = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")
# Of all tests only those of this file: the sequence is what is looked at, and they are run before.
FEW_TESTS = "-n 0 tests/workflows/test_workflows.py"
EVENT = {
    "github.event_name == 'pull_request'": True,
    "${{ github.base_ref }}": "main",
    "${{ github.server_url }}/${{ github.repository }}": "https://github.com/team/churn",
    "${{ github.run_id }}": "42",
}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """This repository's files in one of its own: main, and a branch with another depth of trees."""
    folder = tmp_path_factory.mktemp("team") / "churn"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    team = Checkout(folder)
    team.run("git", "checkout", "-q", "-B", "main")
    team.run("git", "remote", "remove", "origin")
    team.change_yaml("conf/config.yaml", use_the_embedded_table)
    team.run("make", "repro")
    team.run("make", "figures")
    team.commit("The embedded table")
    team.run("git", "checkout", "-q", "-b", "deeper")
    team.run("sed", "-i", "s/^max_depth: .*/max_depth: 2/", "conf/model/xgboost.yaml")
    team.run("make", "repro")
    team.run("make", "figures")
    team.commit("Trees of another depth")
    return team


@pytest.fixture(scope="module")
def runner(team: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """What actions/checkout makes of the pull request, with main's cache of DVC restored."""
    folder = tmp_path_factory.mktemp("runner") / "churn"
    team.run("git", "clone", "-q", "-b", "deeper", str(team.folder), str(folder))
    team.run("git", "checkout", "-q", "main")
    team.run("dvc", "gc", "-q", "-w", "-f")
    shutil.copytree(team.folder / ".dvc/cache", folder / ".dvc/cache")
    return Checkout(folder)


def filled(text: str) -> str:
    """An expression of the workflow as GitHub would fill it in for this event."""
    for name, value in EVENT.items():
        text = text.replace(name, str(value))
    assert "${{" not in text
    return text


def run_job(name: str, runner: Checkout) -> dict[str, str]:
    """Run every step of a job that runs something; what each printed."""
    job: dict[str, Any] = CI["jobs"][name]
    environment = {
        **os.environ,
        **{key: filled(value) for key, value in job.get("env", {}).items()},
        "VENV": str(Path(sys.executable).parent.parent),
        "PYTEST_ADDOPTS": FEW_TESTS,
    }
    said = {}
    for step in (one for one in job["steps"] if "run" in one):
        assert EVENT[step["if"]] if "if" in step else True
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step["run"]],
            cwd=runner.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said[step["name"]] = done.stdout + done.stderr
        assert done.returncode == 0, said
    return said


def test_the_checks_pass_and_are_the_real_ones(runner: Checkout):
    said = run_job("checks", runner)

    assert "No findings to report" in said["lint"] or "SUCCESS" in said["lint"]
    assert " passed" in said["tests"]
    assert said["the same bits elsewhere"].count("all equal") == 2


def test_the_report_says_what_the_change_does(runner: Checkout):
    said = run_job("model", runner)

    # What main has made is not made again,
    assert "Running stage 'load'" not in said["the model"]
    # what the change makes is what was committed,
    assert runner.run("git", "status", "--porcelain") == ""
    # and everything that the artifact wants is there.
    (upload,) = (one for one in CI["jobs"]["model"]["steps"] if "upload" in one.get("uses", ""))
    for name in upload["with"]["path"].split():
        assert (runner.folder / name).is_file(), name
    report = (runner.folder / "reports/pull_request.md").read_text()
    assert report.startswith(MARK)
    assert "A is `origin/main (" in report
    assert "| `model.max_depth` | 3 | 2 |" in report
    assert "[Report](https://github.com/team/churn/actions/runs/42)" in report
