"""make migrate: the tables are made where DATABASE_URL says, and it says so."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from churn.prediction_log import PredictionLog
from tests.checkout import ROOT, Checkout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return Checkout(tmp_path)


def test_without_an_address_a_file_is_made(folder: Checkout):
    said = [folder.run(sys.executable, "-m", "commands.migrate") for _ in range(2)]

    assert (
        said == ["prediction log at sqlite:///predictions/log.db: tables are of version 0001\n"] * 2
    )
    with closing(PredictionLog.open(f"sqlite:///{folder.folder}/predictions/log.db")) as log:
        assert log.add([]) == 0


def test_an_address_that_does_not_answer_is_one_line(folder: Checkout, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/churn")

    done = folder.attempt(sys.executable, "-m", "commands.migrate")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: prediction log at postgresql://me:***@127.0.0.1:9/churn")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr
