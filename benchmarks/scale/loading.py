"""How fast `load` takes a CSV file of many customers, and in how much memory."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.pipeline import clone, measured
from benchmarks.score import apart, parameters
from churn.files import read_json
from churn.synthetic import WORLDS, draw_from
from churn.tables import arrow_type, to_arrow

# Customers that are drawn; they are written again and again, each time with other ids.
DRAWN = 500_000


def write_csv(path: Path, rows: int) -> None:
    """Customers of `telco` and their outcomes, each with an id of its own."""
    contract = parameters().table
    drawn = draw_from(WORLDS["none"], min(rows, DRAWN), np.random.default_rng(3), "CUST")
    words = np.array([contract.target.negative, contract.target.positive], dtype=object)
    arrays = {contract.target.column: pa.array(words[drawn.churned.astype(int)], pa.string())}
    arrays |= {n: to_arrow(drawn.columns[n], arrow_type(c)) for n, c in contract.columns.items()}
    once = pa.table({n: a.cast(pa.string()) for n, a in arrays.items()})
    schema = pa.schema([(contract.id_column, pa.string()), *once.schema])
    with pa.csv.CSVWriter(path, schema) as writer:
        for first in range(0, rows, DRAWN):
            some = once.slice(0, min(DRAWN, rows - first))
            ids = pa.array([f"CUST{i:010d}" for i in range(first, first + some.num_rows)])
            writer.write_table(some.add_column(0, contract.id_column, ids))


def measure(rows: Sequence[int]) -> dict[str, Any]:
    """Seconds, rows a second and peak memory of `python -m pipelines.load`, by number of rows.

    Args:
        rows: of each CSV file.
    Raises:
        RuntimeError: the stage fails, or has lost customers.
    """
    found = {}
    for one in rows:
        found[str(one)] = _measured(one)
        print(f"load: {one:,} rows: {found[str(one)]}", flush=True)
    return {"rows": found}


def _measured(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "customers.csv"
        apart(write_csv, path, rows)
        with clone("source=csv", f"source.history={path}") as folder:
            run = measured([sys.executable, "-m", "pipelines.load"], folder)
            taken = read_json(folder / "data/raw/manifest.json")["history"]
        if taken["rows"] != rows:
            raise RuntimeError(f"{taken['rows']} of {rows} customers were taken")
        return {
            "csv_gigabytes": round(path.stat().st_size / 1e9, 2),
            "seconds": run.seconds,
            "cpu_seconds": run.cpu_seconds,
            "rows_per_second": round(rows / run.seconds),
            "peak_gigabytes": round(run.megabytes * 2**20 / 1e9, 2),
        }
