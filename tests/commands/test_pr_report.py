"""`make pr-report`: the comment for a change that is worse, better, none, or cannot be compared."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from churn.errors import NothingInCommon, RowsMissing, UnknownRevision
from churn.params import read_parameters
from churn.pull_request import MARK
from commands.pr_report import REPORT, report
from tests.checkout import Checkout

pytestmark = pytest.mark.whole


@pytest.fixture
def worse(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A branch whose model asks one question, in whose folder the test runs."""
    checkout.run("git", "switch", "-q", "-c", "change")
    checkout.change_params(lambda given: given["model"].update(n_estimators=1, max_depth=1))
    for stage in ("train", "evaluate", "drift"):
        assert checkout.stage(stage).returncode == 0
    checkout.run("dvc", "commit", "-q", "-f", "train", "evaluate", "drift")
    checkout.commit("one question")
    monkeypatch.chdir(checkout.folder)
    return checkout


def said(base: str) -> str:
    report(base, read_parameters(Path("params.yaml")))
    return REPORT.read_text("utf-8")


def test_a_worse_model_is_told_first_and_a_better_one_the_other_way_round(
    worse: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("REPORT_URL", "https://example.invalid/report")
    text = said("main")

    assert text.startswith(f"{MARK}\n\n## A is better on log_loss by ")
    assert "and that is sure.\n" in text.splitlines()[2] + "\n"
    assert "Verdict: **worse**. In A's place B may not be promoted:" in text
    assert "| `model.max_depth` | 3 | 1 |" in text
    assert "### Data" not in text
    assert "[Report](https://example.invalid/report)" in text
    assert "and that is sure." in capsys.readouterr().out

    # The other way round.
    worse.run("git", "switch", "-q", "-c", "back", "change")
    worse.run("git", "checkout", "-q", "main", "--", ".")
    worse.run("dvc", "checkout", "-q")
    worse.commit("back")
    text = said("change")

    assert text.startswith(f"{MARK}\n\n## B is better on log_loss by ")
    assert "Verdict: **better**." in text


def test_a_change_of_no_model_says_so_and_what_the_reports_warn_of(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(checkout.folder)
    checkout.run("dvc", "exp", "save", "-q", "--name", "tried")
    # What is proposed is a commit after the one that experiments were begun on.
    checkout.run("git", "commit", "-q", "--allow-empty", "-m", "after it")
    checkout.run("git", "branch", "-f", "base", "HEAD~1")
    for name, change in {
        "evaluation": {"leaks": [{"message": "fee alone tells everything"}]},
        "drift": {"drift": {"age": {"psi": 0.31, "level": "alarm"}}},
    }.items():
        path = Path(f"reports/{name}.json")
        path.write_text(json.dumps(json.loads(path.read_text()) | change))

    text = said("base")

    assert "## A and B are the same model." in text
    assert "### Parameters" not in text
    assert "- leak: fee alone tells everything\n" in text
    assert "- drift: current customers differ in age, PSI 0.310 (alarm)\n" in text
    assert re.search(r"<summary>Experiments</summary>\n\n\|.*\[tried\]", text, re.DOTALL)

    Path("reports/drift.json").unlink()
    with pytest.raises(RowsMissing, match=r"reports/drift.json: no such file. .*make repro"):
        said("main")


def test_a_branch_that_has_nothing_in_common_is_no_base(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    checkout.run("git", "checkout", "-q", "--orphan", "other")
    checkout.run("git", "commit", "-q", "-m", "another history")
    monkeypatch.chdir(checkout.folder)

    with pytest.raises(NothingInCommon, match="main and HEAD have no commit in common"):
        said("main")


def test_a_base_that_nobody_has_kept_is_built_anew(worse: Checkout):
    shutil.rmtree(worse.folder / ".dvc/cache")

    text = said("main")

    assert "## A is better on log_loss" in text


def test_a_base_that_cannot_be_built_is_said_and_the_alarms_all_the_same(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(checkout.folder)
    checkout.change_params(lambda params: params["source"].update(unknown=1))
    checkout.commit("a mistake")
    checkout.run("git", "checkout", "-q", "-b", "mended")
    checkout.compose()
    checkout.commit("mended")
    shutil.rmtree(checkout.folder / ".dvc/cache")
    evaluation = Path("reports/evaluation.json")
    evaluation.write_text(
        evaluation.read_text().replace('"bundle_sha256": "', '"bundle_sha256": "0')
    )

    text = said("main")

    assert "## A and B cannot be compared: models/churn of " in text
    assert "dvc push" in text
    assert "- reports/evaluation.json is not of this model: dvc repro was not run" in text


def test_an_unknown_base_is_one_error(checkout: Checkout, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(checkout.folder)
    with pytest.raises(UnknownRevision, match="nowhere"):
        said("nowhere")

    done = checkout.attempt("make", "pr-report", "BASE=nowhere")

    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in done.stderr
