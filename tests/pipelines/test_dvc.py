"""The pipeline as a DVC user drives it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.checkout import Checkout

SPACE = {"max_depth": [1, 2], "n_estimators": [5, 10]}
PLOTS = (
    "ROC",
    "Precision and recall",
    "Calibration",
    "Before calibration",
    "Lift",
    "Profit",
    "Importance",
    "Search",
)
STAGES = ("load", "validate", "clean", "featurize", "train", "evaluate", "drift")


def ran(output: str) -> set[str]:
    return {stage for stage in STAGES if f"Running stage '{stage}'" in output}


def test_the_graph_has_the_seven_stages(reproduced: Checkout):
    graph = reproduced.run("dvc", "dag", "--dot")
    assert all(f'"{stage}"' in graph for stage in STAGES)


def test_nothing_is_run_again_when_nothing_changed(checkout: Checkout):
    assert ran(checkout.run("dvc", "repro")) == set()


def test_reproducing_a_stage_runs_it_and_what_it_needs(checkout: Checkout):
    shutil.rmtree(checkout.folder / "data")
    shutil.rmtree(checkout.folder / "models")
    checkout.run("rm", "-rf", ".dvc/cache", "dvc.lock")
    output = checkout.run("dvc", "repro", "featurize")
    assert ran(output) == {"load", "validate", "clean", "featurize"}
    assert not (checkout.folder / "models").exists()


# Of each group one parameter, another value, and the stages that read it.
CHANGES = {
    "source": ("seed", 21, {"load", "evaluate"}),
    "validate": ("max_rejected", 0.06, {"validate"}),
    "split": ("salt", "other", {"featurize"}),
    "preprocess": ("cap_quantile", 0.01, {"train"}),
    "balance": ("method", "class_weight", {"train", "evaluate"}),
    "model": ("max_depth", 5, {"train"}),
    "search": ("seed", 7, {"train"}),
    "calibration": ("method", "none", {"train"}),
    "decision": ("method", "profit", {"train"}),
    "evaluate": ("seed", 1, {"evaluate"}),
    "evaluate.money": ("margin", 31, {"train", "evaluate"}),
    "tracking": ("experiment", "other", {"evaluate"}),
    "drift": ("alarm", 0.3, {"drift"}),
    "table": ("constants", {"typical_monthly_charge": 70}, {*STAGES}),
}


def readers(status: dict[str, Any]) -> dict[str, set[str]]:
    """By group of parameters, the stages that DVC would run again for it."""
    found: dict[str, set[str]] = {}
    for stage, entries in status.items():
        for entry in entries:
            for group in entry.get("changed deps", {}).get("params.yaml", {}):
                found.setdefault(group, set()).add(stage)
    return found


def test_a_parameter_concerns_only_the_stages_that_read_it(checkout: Checkout):
    def change(params: dict[str, Any]) -> None:
        for group, (key, value, _) in CHANGES.items():
            name, _, part = group.partition(".")
            (params[name][part] if part else params[name])[key] = value

    checkout.change_params(change)
    found = readers(json.loads(checkout.run("dvc", "status", "--json")))

    assert found["evaluate.money"] == {"train"}
    assert found["evaluate"] == {"evaluate"}
    money = found.pop("evaluate.money") | found["evaluate"]
    assert {**found, "evaluate.money": money} == {
        group: stages for group, (_, _, stages) in CHANGES.items()
    }


@dataclass(frozen=True)
class Experiment:
    """A checkout in which an experiment has run, what was said, and the metrics before it."""

    checkout: Checkout
    output: str
    before: dict[str, float]

    def read(self, name: str) -> Any:
        return json.loads((self.checkout.folder / "reports" / name).read_text())


@pytest.fixture(scope="module")
def experiment(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A search over a space of four models. Not to be changed."""
    checkout = reproduced.copied(tmp_path_factory.mktemp("experiment") / "checkout")
    before = json.loads((checkout.folder / "reports/metrics.json").read_text())
    checkout.change_yaml("conf/search/grid.yaml", lambda grid: grid.update(folds=2, space=SPACE))
    overrides = ("-S", "search=grid", "-S", "model.learning_rate=0.2")
    output = checkout.run("dvc", "exp", "run", *overrides, "--name", "searched")
    return Experiment(checkout, output, before)


@pytest.mark.whole
def test_an_experiment_runs_what_its_parameters_concern_and_can_be_compared(experiment: Experiment):
    run, before = experiment.checkout.run, experiment.before

    assert ran(experiment.output) == {"train", "evaluate", "drift"}
    shown = json.loads(run("dvc", "metrics", "show", "--json"))
    after = shown[""]["data"]["reports/metrics.json"]["data"]
    assert after["n"] == before["n"]
    assert after["log_loss"] != before["log_loss"]
    diff = json.loads(run("dvc", "metrics", "diff", "--json"))
    change = diff["reports/metrics.json"]["log_loss"]
    assert (change["old"], change["new"]) == (before["log_loss"], after["log_loss"])
    experiments = run("dvc", "exp", "show", "--csv", "--only-changed")
    assert "searched" in experiments
    assert "model.learning_rate" in experiments


@pytest.mark.whole
def test_a_search_leaves_its_trials_and_builds_the_best(experiment: Experiment):
    with (experiment.checkout.folder / "reports/trials.csv").open() as file:
        trials = [*csv.DictReader(file)]
    found = experiment.read("training.json")["search"]

    tried = [(int(one["max_depth"]), int(one["n_estimators"])) for one in trials]
    assert tried == [(1, 5), (1, 10), (2, 5), (2, 10)]
    best = max(trials, key=lambda one: float(one["score"]))
    assert (found["method"], found["trials"], found["score"]) == ("grid", 4, float(best["score"]))
    assert [str(found["model"][name]) for name in SPACE] == [best[name] for name in SPACE]
    assert found["model"]["learning_rate"] == 0.2
    assert trials[-1]["best_so_far"] == best["score"]


@pytest.mark.whole
def test_every_curve_is_shown_beside_that_of_the_commit(experiment: Experiment):
    compared = json.loads(experiment.checkout.run("dvc", "plots", "diff", "--json"))["data"]

    assert [*compared] == [*PLOTS]
    points = {
        name: Counter(point["rev"] for point in plot["content"]["data"]["values"])
        for name, (plot,) in compared.items()
    }
    assert all({*count} == {"HEAD", "workspace"} for count in points.values())
    # A line for the score and one for the best so far.
    assert points["Search"] == {"HEAD": 2, "workspace": 8}


@pytest.mark.whole
def test_an_experiment_in_a_copy_runs_the_code_of_the_copy(checkout: Checkout):
    # Given code in the workspace that differs from the commit,
    reference = checkout.folder / "src/churn/reference.py"
    reference.write_text(reference.read_text().replace("BINS = 10", "BINS = 5"))
    # when an experiment runs in a temporary copy,
    checkout.run("dvc", "exp", "run", "--temp", "--name", "copied", "-S", "model.max_depth=2")
    # then it ran the workspace's code as it was when it began, not an installed library.
    refs = checkout.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    copied = next(ref for ref in refs if ref.endswith("/copied"))
    tree = checkout.run("git", "show", f"{copied}:reports/drift.json")
    workspace = (checkout.folder / "reports/drift.json").read_text()
    assert json.loads(tree)["drift"]["age"]["psi"] != json.loads(workspace)["drift"]["age"]["psi"]


@pytest.mark.whole
@pytest.mark.parametrize(
    ("moment", "kill"),
    [
        ("Running stage 'load'", os.killpg),
        ("Updating lock file", os.killpg),
        ("Running stage 'train'", os.kill),
    ],
    ids=["at the start", "while DVC writes", "DVC alone, its stage lives on"],
)
def test_a_run_killed_and_started_again_ends_with_the_same_hashes(
    reproduced: Checkout, tmp_path, moment, kill
):
    # Given a clean clone whose run is killed at some moment,
    folder = tmp_path / "clone"
    reproduced.run("git", "clone", "-q", ".", str(folder))
    clone = Checkout(folder)
    (folder / "dvc.lock").unlink()
    with subprocess.Popen(
        ["dvc", "repro"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    ) as killed:
        assert killed.stdout is not None
        assert any(moment in line for line in killed.stdout), "the moment never came"
        kill(killed.pid, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    # when it is started again,
    clone.run("make", "repro")
    # then every out is what an undisturbed run makes.
    assert clone.outs() == reproduced.outs()
