"""Both engines of `make score` on the same rows: what a row costs, and where they cross.

Each figure is of a whole process on Parquet, in turn: the local engine on all cores, and Spark on
as many. Seconds to start are those for a few rows. Memory is the peak of all the processes
together, Spark's JVM and its Python workers, with pages that they share counted once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from joblib import cpu_count

from benchmarks.processes import descendants, megabytes
from benchmarks.score import FEW, apart, write_customers, write_model

ENGINES = ("local", "spark")
PYTHON = {"local": Path(sys.executable), "spark": Path(".venv.spark/bin/python")}
# The shape of the committed model.
TREES, DEPTH = 200, 3
# Seconds between two looks at the memory.
LOOK = 0.25
Figures = dict[str, float]


def measure(rows: Sequence[int]) -> dict[str, Any]:
    """Score tables of these sizes with both engines.

    Args:
        rows: of each table, the smallest first.
    Returns:
        by engine and size seconds, rows a second, microseconds a row without the start, and memory;
        and the number of rows from which Spark is the quicker one, None if at no size.
    Raises:
        RuntimeError: an engine failed, or they do not say the same.
    """
    if not PYTHON["spark"].is_file():
        sys.exit("error: .venv.spark is not there. Run: make bench-scale")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        apart(write_model, folder / "model", TREES, DEPTH)
        starts = {engine: scored(engine, FEW, folder) for engine in ENGINES}
        sizes = []
        for count in rows:
            found = {engine: scored(engine, count, folder) for engine in ENGINES}
            check(folder)
            sizes.append({"rows": count, **costs(found, starts, count)})
            print(sizes[-1], flush=True)
    return {
        "cores": cpu_count(),
        "start_seconds": {engine: one["seconds"] for engine, one in starts.items()},
        "sizes": sizes,
        "crossing_rows": crossing(starts, sizes),
    }


def scored(engine: str, rows: int, folder: Path) -> Figures:
    """Seconds and memory of a process that scores so many rows."""
    path = folder / f"{rows}.parquet"
    if not path.exists():
        apart(write_customers, path, rows)
    given = {
        "ENGINE": engine,
        "SPARK_MASTER": f"local[{cpu_count()}]",
        "INPUT": str(path),
        "OUTPUT": str(folder / f"{engine}.parquet"),
        "MODEL": str(folder / "model"),
        "FORCE": "1",
    }
    return watched([str(PYTHON[engine]), "-m", "pipelines.score"], given)


def watched(command: Sequence[str], environment: Mapping[str, str]) -> Figures:
    """Seconds of a process, and the peak memory of it and all that it starts.

    Raises:
        RuntimeError: it failed; its output is in the message.
    """
    peak = 0.0
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
        )
        ended = threading.Thread(target=process.wait)
        ended.start()
        while ended.is_alive():
            peak = max(peak, megabytes(descendants(process.pid)))
            ended.join(LOOK)
        seconds = time.perf_counter() - begun
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace")[-3000:])
    return {"seconds": round(seconds, 2), "peak_megabytes": round(peak)}


def costs(found: Mapping[str, Figures], starts: Mapping[str, Figures], rows: int) -> dict[str, Any]:
    """What is told of a size."""
    told: dict[str, Any] = {}
    for engine, one in found.items():
        beyond = one["seconds"] - starts[engine]["seconds"]
        told[engine] = {
            **one,
            "rows_per_second": round(rows / one["seconds"]),
            "microseconds_per_row": round(1e6 * beyond / rows, 3),
        }
    per_row = [told[engine]["microseconds_per_row"] for engine in ("spark", "local")]
    told["spark_to_local_per_row"] = round(per_row[0] / per_row[1], 2) if per_row[1] > 0 else None
    return told


def crossing(starts: Mapping[str, Figures], sizes: Sequence[Mapping[str, Any]]) -> int | None:
    """Rows from which Spark is quicker, by the cost of a row in the largest table."""
    if not sizes:
        return None
    gain = sizes[-1]["local"]["microseconds_per_row"] - sizes[-1]["spark"]["microseconds_per_row"]
    later = starts["spark"]["seconds"] - starts["local"]["seconds"]
    return round(1e6 * later / gain) if gain > 0 else None


def check(folder: Path) -> None:
    """Hold the probabilities of both engines against each other.

    Raises:
        RuntimeError: they are not the same, bit for bit.
    """
    columns = ["customer_id", "churn_probability"]
    ours = pq.read_table(folder / "local.parquet", columns=columns)
    theirs = ds.dataset(folder / "spark.parquet").to_table(columns=columns)
    order = [("customer_id", "ascending")]
    if not ours.sort_by(order).equals(theirs.sort_by(order)):
        raise RuntimeError("the engines do not say the same")
