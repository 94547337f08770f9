"""`make compare`: two commits, experiments or the workspace, and which has the better model."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from churn.bundle import Bundle
from churn.errors import NotWithinReach, RowsMissing, UnknownRevision
from churn.files import read_parquet
from churn.params import read_parameters
from commands import compare
from commands.champion import TEST
from commands.sides import Side, committed, workspace
from tests.checkout import Checkout

pytestmark = pytest.mark.whole
# The changes of params.yaml, and the stages that they concern.
EXPERIMENTS = {
    "decided": ("decision", {"method": "fixed", "threshold": 0.5}, ["train"]),
    "other-rows": ("split", {"salt": "other", "test_share": 0.4}, ["featurize", "train"]),
}


@pytest.fixture(scope="module")
def repository(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Two commits, the newer one's model asking one question, and two experiments.

    Not to be changed: take a `changeable`.
    """
    checkout = reproduced.copied(tmp_path_factory.mktemp("compare") / "checkout")

    def build(group: str, values: dict[str, object], stages: list[str]) -> None:
        checkout.change_params(lambda given: given[group].update(values))
        for stage in stages:
            assert checkout.stage(stage).returncode == 0
        checkout.run("dvc", "commit", "-q", "-f", *stages)

    build("model", {"n_estimators": 1, "max_depth": 1}, ["train"])
    checkout.commit("one question")
    for name, change in EXPERIMENTS.items():
        build(*change)
        checkout.run("dvc", "exp", "save", "-q", "--name", name)
        checkout.run("git", "checkout", "-q", ".")
        checkout.run("dvc", "checkout", "-q")
    return checkout


@pytest.fixture
def inside(repository: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """The repository, in whose folder the test runs."""
    monkeypatch.chdir(repository.folder)
    return repository


@pytest.fixture
def changeable(repository: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A copy of it for one test, which runs in its folder."""
    copy = repository.copied(tmp_path / "checkout")
    monkeypatch.chdir(copy.folder)
    return copy


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What the command prints."""

    def text(a: str, b: str | None = None) -> str:
        compare.compare(a, b, read_parameters(Path("params.yaml")))
        return capsys.readouterr().out

    return text


# what is said


def test_the_last_line_says_which_is_better_and_that_it_is_sure(inside: Checkout, said):
    lines = said("HEAD~1").splitlines()

    assert lines[0] == "A: HEAD~1. B: the workspace."
    assert re.fullmatch(
        r"A is better on log_loss by 0\.\d{4} \(0\.\d{4} – 0\.\d{4}\), and that is sure\.",
        lines[-1],
    )
    assert "model.max_depth      3    1" in lines
    assert "model.n_estimators   30   1" in lines
    assert sum(line.endswith("the same") for line in lines) == 2
    rows = read_parquet(TEST).num_rows
    assert any(f"On {rows} customers held out from both models, " in line for line in lines)


def test_an_experiment_goes_by_its_name(inside: Checkout, said):
    text = said("HEAD", "decided")

    assert text.startswith("A: HEAD. B: decided.\n")
    assert re.search(r"^decision.threshold +- +0.5$", text, re.MULTILINE)
    # Other decisions, the same probabilities.
    assert text.endswith("A and B are equally good on log_loss: they say the same.\n")
    # The table of experiments is narrow.
    row = next(line for line in text.splitlines() if "[decided]" in line)
    assert len(row) < 100
    head = next(line for line in text.splitlines() if "Experiment" in line)
    assert "decision.threshold" in head
    assert "models/churn" not in head


def test_the_commit_is_not_compared_with_itself(inside: Checkout, said):
    text = said("HEAD")

    assert "Parameters: the same." in text
    assert text.endswith("A and B are the same model.\n")


def test_where_other_rows_are_held_out_it_is_said_on_which_and_why(inside: Checkout, said):
    text = said("HEAD~1", "other-rows")

    n, of_b = map(int, re.search(r"On (\d+) customers .*\n.* those of B's (\d+),", text).groups())
    assert 0 < n < of_b
    assert "A and B hold out other rows, since their data or their splits differ" in text


def test_models_of_different_tables_cannot_be_compared(inside: Checkout):
    a, b = committed("A", "HEAD~1"), workspace("B")
    manifest = a.model.bundle.manifest
    contract = manifest.contract.model_copy(update={"name": "mobile"})
    other = manifest.model_copy(update={"contract": contract})
    bundle = Bundle(other, a.model.bundle.reference, a.model.bundle.booster)
    mobile = replace(a, model=replace(a.model, bundle=bundle))

    (line,) = compare.measured(mobile, b, read_parameters(Path("params.yaml")).evaluate)

    assert line.startswith(
        "A and B cannot be compared: A, HEAD~1, is a model of table mobile with the id "
        "customer_id, the other one of table telco"
    )


def test_parameters_that_the_model_was_not_built_with_are_noted(changeable: Checkout):
    assert compare.notes(workspace("B")) == []
    changeable.change_params(lambda given: given["model"].update(max_depth=7))

    (note,) = compare.notes(workspace("B"))

    assert note == (
        "Note: B's model was built with other values of model than params.yaml has; dvc repro "
        "builds it anew."
    )


# what may be missing


def test_an_unknown_revision_is_one_line(inside: Checkout):
    done = inside.attempt(sys.executable, "-m", "commands.compare", "HEAD", "nonsense")

    assert done.returncode == 1
    assert done.stderr.startswith("error: nonsense: unknown Git revision 'nonsense'. Name a commit")
    assert done.stderr.count("\n") == 1
    with pytest.raises(UnknownRevision, match="or an experiment: dvc exp list"):
        committed("A", "nonsense")


def test_a_model_that_is_in_no_cache_is_told(changeable: Checkout):
    shutil.rmtree(".dvc/cache")
    told = r"models/churn of decided cannot be fetched: .* experiment, dvc exp push origin <name>\)"

    with pytest.raises(NotWithinReach, match=told):
        committed("A", "decided")


def test_rows_that_are_in_no_cache_are_told(changeable: Checkout):
    side: Side = committed("B", "HEAD")
    shutil.rmtree(".dvc/cache")

    with pytest.raises(NotWithinReach, match=r"data/features/test.parquet of HEAD cannot be"):
        side.table(TEST)


def test_a_workspace_without_rows_is_told(changeable: Checkout):
    TEST.unlink()

    with pytest.raises(RowsMissing, match="Rebuild it with make repro, or run dvc pull"):
        workspace("B")
