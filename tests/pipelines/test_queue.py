"""Experiments in DVC's queue, by the README's commands: none disturbs another or the workspace."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing

import pytest

from churn.tracking import UNSENT, kept_runs
from tests.checkout import Checkout
from tests.readme import QUEUE

pytestmark = pytest.mark.whole

ADD, START, STATUS = map(shlex.split, QUEUE)
DEPTHS = ("2", "5")


@pytest.fixture
def queued(checkout: Checkout) -> Checkout:
    """A checkout with a local MLflow store, an uncommitted change, and two experiments queued."""
    store = {"uri": "sqlite:///mlruns/mlflow.db"}
    checkout.change_yaml("conf/tracking/default.yaml", lambda it: it.update(store))
    checkout.compose()
    checkout.run("dvc", "commit", "-q", "-f", "evaluate")
    checkout.commit("an MLflow store")
    (checkout.folder / "README.md").write_text("being worked on\n")
    checkout.run(*ADD)
    return checkout


def test_queued_experiments_run_side_by_side_and_leave_the_workspace_alone(queued: Checkout):
    before, outs = queued.run("git", "status", "--short"), queued.outs()
    metrics = (queued.folder / "reports/metrics.json").read_bytes()
    unsent = kept_runs(queued.folder / UNSENT)

    queued.run(*START)
    queued.finish_queue()

    # Each has ended well, with metrics of its own,
    shown = json.loads(queued.run("dvc", "exp", "show", "--json"))
    experiments = [one["revs"][0]["data"] for one in shown[1]["experiments"]]
    found = {
        str(one["params"]["params.yaml"]["data"]["model"]["max_depth"]): one["metrics"][
            "reports/metrics.json"
        ]["data"]["log_loss"]
        for one in experiments
    }
    assert found.keys() == {*DEPTHS}
    own = json.loads(metrics)["log_loss"]
    assert len({own, *found.values()}) == 3
    assert queued.run(*STATUS).count("Success") == 2
    # in MLflow there is one run each, and none was kept back,
    with closing(sqlite3.connect(queued.folder / "mlruns/mlflow.db")) as store:
        query = (
            "select value from metrics join runs using (run_uuid)"
            " where key = 'log_loss' and status = 'FINISHED'"
        )
        logged = [value for (value,) in store.execute(query)]
    assert sorted(logged) == pytest.approx(sorted(found.values()))
    assert kept_runs(queued.folder / UNSENT) == unsent
    # and the workspace is as it was, what is being worked on included.
    assert queued.run("git", "status", "--short") == before == " M README.md\n"
    assert queued.outs() == outs
    assert (queued.folder / "reports/metrics.json").read_bytes() == metrics
