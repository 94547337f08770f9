"""The pipeline as a DVC user drives it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess

import pytest

from tests.checkout import Checkout

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


@pytest.mark.parametrize(
    ("group", "key", "value", "readers"),
    [
        ("source", "seed", 21, {"load", "evaluate"}),
        ("validate", "max_rejected", 0.06, {"validate"}),
        ("split", "salt", "other", {"featurize"}),
        ("preprocess", "cap_quantile", 0.01, {"train"}),
        ("model", "max_depth", 5, {"train"}),
        ("evaluate", "seed", 1, {"evaluate"}),
        ("drift", "alarm", 0.3, {"drift"}),
        ("table", "constants", {"typical_monthly_charge": 70}, {*STAGES}),
    ],
)
def test_a_parameter_concerns_only_the_stages_that_read_it(
    checkout: Checkout, group, key, value, readers
):
    checkout.change_params(lambda params: params[group].update({key: value}))
    status = json.loads(checkout.run("dvc", "status", "--json"))
    changed = {stage for stage, entries in status.items() if "params.yaml" in json.dumps(entries)}
    assert changed == readers


def test_an_experiment_runs_what_its_parameter_concerns_and_can_be_compared(checkout: Checkout):
    before = json.loads((checkout.folder / "reports/metrics.json").read_text())

    output = checkout.run("dvc", "exp", "run", "-S", "model.max_depth=4", "--name", "deeper")

    assert ran(output) == {"train", "evaluate", "drift"}
    shown = json.loads(checkout.run("dvc", "metrics", "show", "--json"))
    after = shown[""]["data"]["reports/metrics.json"]["data"]
    assert after["n"] == before["n"]
    assert after["log_loss"] != before["log_loss"]
    diff = json.loads(checkout.run("dvc", "metrics", "diff", "--json"))
    change = diff["reports/metrics.json"]["log_loss"]
    assert (change["old"], change["new"]) == (before["log_loss"], after["log_loss"])
    experiments = checkout.run("dvc", "exp", "show", "--csv", "--only-changed")
    assert "deeper" in experiments
    assert "model.max_depth" in experiments


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


def test_the_plots_can_be_shown_and_compared(checkout: Checkout):
    checkout.run("dvc", "plots", "show", "-o", "shown")
    page = (checkout.folder / "shown/index.html").read_text()
    assert all(name in page for name in ("ROC", "Precision and recall", "Calibration"))


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
