"""The stage `train` on tables of several sizes: seconds, memory, and whether time grows with rows.

Customers are drawn in pieces, each with a seed of its own, into a file like that of `featurize`;
the stage then runs as `dvc repro` runs it, as a process of its own, with the configuration as
shipped. Drawing is not counted. Memory is the peak resident size that the kernel accounts to it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.pipeline import Run, measured
from benchmarks.score import apart
from churn.featurizing import with_features
from churn.files import read_json, write_text
from churn.settings import Parameters
from churn.synthetic import WORLDS, draw_from
from churn.tables import arrow_type, to_arrow

# Rows of one draw; of the run whose time is that of the start; up to which a run is short.
DRAWN, FEW, SHORT = 500_000, 1_000, 200_000
REPEATS = 3
# As shipped, whatever a team has made its default.
SHIPPED = ("table=telco", "source=synthetic", "balance=none", "search=none", "calibration=best")


def measure(rows: Sequence[int]) -> dict[str, Any]:
    """Train on so many rows each, in order, and print what it took.

    Args:
        rows: sizes of the tables, the smallest first.
    Returns:
        `start_seconds` of the process (what a thousand rows take), and for each size `inputs`,
        `seconds`, `cpu_seconds`, `seconds_per_million_rows`, `peak_gigabytes` and `time_per_row`:
        the ratio to that of the smallest size, of the whole process and without its start. The
        last and the start are of the time that all cores were at work, which others on the machine
        hardly change.
    """
    start = _run(FEW)["cpu_seconds"]
    print(f"train: {FEW:,} rows in {start:.1f} s, of which nearly all is the start", flush=True)
    found: dict[str, dict[str, Any]] = {}
    for size in rows:
        one = _run(size)
        smallest = next(iter(found.values()), None)
        found[str(size)] = one | linear(size, one["cpu_seconds"], start, smallest)
        print(f"train: {size:,} rows: {_said(found[str(size)])}", flush=True)
    return {"start_seconds": start, "rows": found}


def linear(
    size: int, seconds: float, start: float, smallest: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Seconds a million rows, and their ratios to those of the smallest size (None: this is it).

    Args:
        size: rows.
        seconds: of all cores that the process took.
        start: of these, what a few rows take.
        smallest: what this gave for the smallest size.
    """
    per_million = {
        "whole": round(seconds / size * 1e6, 1),
        "without_start": round((seconds - start) / size * 1e6, 1),
    }
    least = per_million if smallest is None else smallest["seconds_per_million_rows"]
    ratios = {name: round(value / least[name], 3) for name, value in per_million.items()}
    return {"seconds_per_million_rows": per_million, "time_per_row": ratios}


def _said(one: Mapping[str, Any]) -> str:
    per_million, ratio = one["seconds_per_million_rows"], one["time_per_row"]
    return (
        f"{one['seconds']:.1f} s, of all cores {per_million['whole']} s a million "
        f"({per_million['without_start']} s without the start), {ratio['whole']} × "
        f"({ratio['without_start']} ×) the smallest's time per row; at most "
        f"{one['peak_gigabytes']} GB"
    )


def _run(rows: int) -> dict[str, Any]:
    """The stage on so many rows: how many inputs they have, seconds, peak memory."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        apart(write_parameters, folder / "params.yaml")
        apart(write_customers, folder / "data/features/train.parquet", rows)
        runs = [_trained(folder) for _ in range(REPEATS if rows <= SHORT else 1)]
        inputs = read_json(folder / "reports/training.json")["inputs"]
    return {
        "inputs": inputs,
        "seconds": statistics.median(run.seconds for run in runs),
        "cpu_seconds": statistics.median(run.cpu_seconds for run in runs),
        "peak_gigabytes": round(max(run.megabytes for run in runs) * 2**20 / 1e9, 2),
    }


def _trained(folder: Path) -> Run:
    # What this repository's stage reads and writes is in the folder where it runs.
    here = f"PYTHONPATH={Path.cwd()}"
    return measured(["env", here, sys.executable, "-m", "pipelines.train"], folder)


def write_parameters(path: Path) -> None:
    """`params.yaml` as shipped."""
    # Imported here, as it takes a second and memory that would be counted.
    from commands.compose import composed

    write_text(path, composed([*SHIPPED]))


def write_customers(path: Path, rows: int) -> None:
    """Customers with their outcomes and features, as `featurize` writes them."""
    from commands.compose import parameters

    given = parameters([*SHIPPED])
    path.parent.mkdir(parents=True)
    with pq.ParquetWriter(path, _drawn(given, 0, 1).schema, compression="zstd") as writer:
        for first in range(0, rows, DRAWN):
            writer.write_table(_drawn(given, first, min(DRAWN, rows - first)))


def _drawn(given: Parameters, first: int, rows: int) -> pa.Table:
    """Customers from number `first` on, other ones than those of any other piece."""
    contract = given.table
    drawn = draw_from(WORLDS["none"], rows, np.random.default_rng([3, first]), "CUST")
    ids = pa.array([f"CUST{number:09d}" for number in range(first, first + rows)])
    columns = {n: to_arrow(drawn.columns[n], arrow_type(c)) for n, c in contract.columns.items()}
    target = {contract.target.column: pa.array(drawn.churned)}
    table = pa.table({contract.id_column: ids, **columns, **target})
    return with_features(table, contract)
