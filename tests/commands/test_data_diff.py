"""`make data-diff`: the customers of two commits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from churn.params import read_parameters
from commands import data_diff
from tests.checkout import Checkout


@pytest.mark.whole
def test_other_customers_are_told_by_rows_columns_distributions_and_metrics(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    # Given customers of whom more were drawn, up to the model,
    checkout.change_params(lambda given: given["source"].update(history_rows=2500))
    checkout.run("dvc", "repro", "-q", "train")
    monkeypatch.chdir(checkout.folder)
    # when they are held against those of the commit,
    data_diff.data_diff("HEAD", None, read_parameters(Path("params.yaml")))
    # then the last line says whether they have moved.
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A: HEAD. B: the workspace."
    raw = next(line for line in lines if line.startswith("data/raw/history.parquet"))
    assert raw.count(" rows (") == 2
    before, after = map(
        int, next(li for li in lines if li.startswith("history, rows in")).split()[-2:]
    )
    assert 2000 <= before < 2500 <= after
    assert "Columns: the same." in lines
    assert any(line.startswith("tenure_months") and line.endswith("ok") for line in lines)
    assert any(line.startswith("log_loss ") for line in lines)
    assert lines[-1] == "None of 15 columns has moved."


def test_an_unknown_revision_is_one_line(checkout: Checkout):
    done = checkout.attempt(sys.executable, "-m", "commands.data_diff", "nonsense")

    assert done.returncode == 1
    assert done.stderr.startswith("error: nonsense: unknown Git revision")
    assert done.stderr.count("\n") == 1
