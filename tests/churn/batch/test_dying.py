"""A run that is killed at any moment is gone on with: no row twice, none lost, the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.checkout import ROOT
from tests.churn.batch.conftest import customers

# Without what xgboost would import, which takes seconds.
PROGRAM = """
from churn.lean import keep_out
keep_out("pandas", "sklearn")
from tests.churn.batch.dying import main
main()
"""


@pytest.mark.parametrize(
    ("output", "pieces", "force"),
    [
        ("out.parquet", 3, ""),
        ("out.csv", 2, ""),
        ("sqlite:///out.db#scores", 2, ""),
        ("mysql", 1, "1"),
    ],
)
def test_a_run_that_is_killed_at_any_step_is_gone_on_with(
    tmp_path: Path, models: Path, output: str, pieces: int, force: str, request
):
    if output == "mysql":
        output = f"{request.getfixturevalue('new_mysql_database')()}#scores"
    # Given files with bad rows in the first two,
    table = customers(60)
    ages = pa.array([17 if i in (3, 30, 35) else 42 for i in range(60)])
    for i in range(pieces):
        part = table.set_column(1, "age", ages).slice(i * 25, 25)
        pq.write_table(part, tmp_path / f"part{i}.parquet")
    # when a run is killed before each of its steps in turn, and gone on with,
    variables = {
        "INPUT": "part*.parquet",
        "OUTPUT": output,
        "EXPLAIN": "1",
        "FORCE": force,
        "MODEL": str(models / "telco"),
        "PYTHONPATH": f"{ROOT}/src:{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    # then it is as if it had never been killed.
    # A piece takes two steps, a run some more at its beginning and end.
    assert len(told) > 2 * pieces + 3
    assert [killed for killed, _, _ in told] == [-9] * (len(told) - 1) + [0]
    assert all(same for _, _, same in told), told
    # Once its notes are gone a run is over, and what it has made is there already.
    ended = 0 if force else 1
    assert [went_on for _, went_on, _ in told] == [0] * (len(told) - 1) + [ended]
    assert ("it is there already" in done.stderr) != bool(force)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".out")] == []
