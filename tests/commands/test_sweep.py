"""`make sweep`: a search as one experiment that leaves the workspace alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn.errors import InvalidParameters
from churn.settings import FileSource
from commands import sweep
from tests.checkout import Checkout
from tests.small import small_parameters

SPACE = {"max_depth": [1, 2], "n_estimators": [5, 10]}


@pytest.mark.whole
def test_a_sweep_is_an_experiment_whose_trials_are_shown_the_best_first(checkout: Checkout):
    checkout.change_yaml("conf/search/grid.yaml", lambda it: it.update(folds=2, space=SPACE))
    before = checkout.run("git", "status", "--short"), checkout.outs()

    said = checkout.run("make", "sweep", "SET=model.learning_rate=0.2")

    shown = said[said.index("\nneg_log_loss over 2 folds") :].splitlines()[3:8]
    assert shown[0].split() == ["trial", "mean", "±", "sd", "n_estimators", "max_depth"]
    scores = [float(line.split()[1]) for line in shown[1:]]
    assert scores == sorted(scores, reverse=True)
    assert {tuple(line.split()[-2:]) for line in shown[1:]} == {
        (str(trees), str(depth)) for trees in (5, 10) for depth in (1, 2)
    }
    assert "\nconf/model as it is: -0." in said
    # It is an experiment of its own, and the workspace is as it was.
    assert (checkout.run("git", "status", "--short"), checkout.outs()) == before
    assert checkout.run("dvc", "exp", "list", "--name-only") == "grid-1\n"


@pytest.fixture
def inside(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout, in whose folder the test runs."""
    monkeypatch.chdir(checkout.folder)
    return checkout


def test_every_sweep_has_a_name_of_its_own(inside: Checkout):
    inside.run("git", "update-ref", "refs/exps/ab/cdef/grid-1", "HEAD")

    assert sweep.free_name("grid") == "grid-2"
    assert sweep.free_name("optuna") == "optuna-1"


def test_customers_that_git_does_not_know_go_along(inside: Checkout):
    for name in ("incoming/here.csv", "examples/new.csv"):
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("a\n")

    def lacking(history: str) -> list[str]:
        source = FileSource(kind="csv", history=history, current="examples/mobile.csv")
        return sweep.not_in_git(small_parameters(1).model_copy(update={"source": source}))

    # DVC copies no file into a folder that is not there, so the folder goes.
    assert lacking("incoming/here.csv") == ["incoming"]
    assert lacking("examples/new.csv") == ["examples/new.csv"]
    assert lacking("examples/mobile.csv") == []
    assert lacking(str(Path("incoming/here.csv").resolve())) == []


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["search=gird"], "Could not find 'search/gird'"),
        (["search=grid", "modl.x=1"], "Could not override 'modl.x'"),
        (["search=grid", "search.folds=1"], "search.folds: 1 is not allowed"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(inside: Checkout, overrides, words):
    with pytest.raises(InvalidParameters, match=words):
        sweep.composed(overrides)


def test_the_best_can_be_taken_over():
    now = small_parameters(1).model
    model = {**now.model_dump(), "max_depth": now.max_depth + 1}
    search = {"score": -0.4, "configured_score": -0.45, "model": model}

    assert sweep.advice("grid-1", search, now) == [
        "make compare B=grid-1   on the held-out customers too?",
        "dvc exp apply grid-1    takes its model and reports over into the workspace",
        f"conf/model/xgboost.yaml keeps it: max_depth: {now.max_depth + 1}",
    ]


def test_a_search_that_found_nothing_better_says_so():
    search = {"score": -0.4, "configured_score": -0.4}

    (line,) = sweep.advice("grid-1", search, small_parameters(1).model)

    assert line == "No trial does better on the same folds: conf/model is best left as it is."
