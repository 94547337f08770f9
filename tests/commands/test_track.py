"""make track: what was kept while the store was away gets there, and what it says is so."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from pathlib import Path

import pytest

from churn.tracking import content, keep
from tests.checkout import ROOT, Checkout
from tests.evaluated import evaluated


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A repository, as far as this command looks: params.yaml and two kept runs."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    return Checkout(tmp_path)


def track(checkout: Checkout, uri: str):
    checkout.change_params(lambda content: content["tracking"].update(uri=uri))
    return checkout.attempt(sys.executable, "-m", "commands.track")


@pytest.mark.whole
def test_kept_runs_are_sent_as_soon_as_the_store_is_there(folder: Checkout, tmp_path: Path):
    unsent = tmp_path / "mlruns/unsent"
    runs = [evaluated(tmp_path, "anything", {"f1": f1}) for f1 in (0.5, 0.6)]
    for run in runs:
        keep(run, unsent)

    away = track(folder, "http://me:hunter2@127.0.0.1:9")

    assert away.returncode == 1
    assert away.stderr.startswith(
        "error: MLflow at http://***@127.0.0.1:9: Connection refused. 2 runs are kept in "
    )
    assert away.stderr.count("\n") == 1

    there = track(folder, "sqlite:///mlruns/mlflow.db")

    assert (there.returncode, there.stderr) == (0, "")
    assert there.stdout == "2 run(s) sent to MLflow at sqlite:///mlruns/mlflow.db\n"
    assert [*unsent.iterdir()] == []
    with contextlib.closing(sqlite3.connect(tmp_path / "mlruns/mlflow.db")) as database:
        assert {name for (name,) in database.execute("select name from runs")} == {
            content(run)["name"] for run in runs
        }


def test_a_mistake_in_the_parameters_is_one_line(folder: Checkout):
    done = track(folder, "")

    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: tracking.uri: '' is not allowed")
