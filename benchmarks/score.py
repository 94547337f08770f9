"""`make bench-score`: a table from Parquet to Parquet, into reports/bench/score.json.

Turn and turn about on the same rows: `make score`, the trees alone (`inplace_predict` on the ready
matrix), and a scikit-learn Pipeline on pandas. Seconds are those of the whole process less those
that it takes for a few rows, which is its start; memory is the peak resident size. A figure is the
median of the rounds, a ratio the median of each round's own.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.medians import median
from benchmarks.pipeline import measured
from benchmarks.processes import cores_at_work
from churn.features import feature_set
from churn.files import write_json
from churn.params import read_parameters
from churn.settings import Parameters
from churn.synthetic import WORLDS, draw_from
from churn.tables import arrow_type, to_arrow

T = TypeVar("T")
RESULT = Path("reports/bench/score.json")
DRAWN, FEW, LEARNT = 500_000, 1_000, 20_000
# The model of the design's figures, and the shape of the committed one.
MODELS = {"200 trees of depth 5": (200, 5), "200 trees of depth 3": (200, 3)}


def parameters() -> Parameters:
    """The committed ones.

    Raises:
        SystemExit: they are of another table than the generator's.
    """
    found = read_parameters(Path("params.yaml"))
    if found.table.name != "telco":
        sys.exit("error: the customers of this benchmark are drawn; it takes table=telco.")
    return found


def apart(function: Callable[..., T], *given: Any) -> T:
    """Call a function in another process: a process begins with the peak memory of its parent."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def write_model(folder: Path, trees: int, depth: int) -> int:
    """Train a model, and write it; how many inputs it has."""
    # Imported here, as it takes memory that would be counted.
    from churn.training import train

    given = parameters()
    changed = given.model.model_copy(update={"n_estimators": trees, "max_depth": depth})
    drawn = draw_from(WORLDS["none"], LEARNT, np.random.default_rng(1), "CUST")
    features = feature_set(given.table).compute(drawn.columns)
    whole = given.model_copy(update={"model": changed})
    outcome = drawn.churned.astype(np.float64)
    bundle = train(drawn.columns, features, outcome, whole, "0" * 64).bundle
    bundle.save(folder)
    return len(bundle.manifest.preprocessor.inputs)


def write_customers(path: Path, rows: int) -> None:
    """Customers, each with an id of their own; the same ones again after many."""
    contract = parameters().table
    drawn = draw_from(WORLDS["none"], min(rows, DRAWN), np.random.default_rng(2), "CURR")
    arrays = {n: to_arrow(drawn.columns[n], arrow_type(c)) for n, c in contract.columns.items()}
    once = pa.table(arrays)
    writer = None
    for first in range(0, rows, DRAWN):
        ids = pa.array([f"C{i:09d}" for i in range(first, first + once.num_rows)])
        table = once.add_column(0, contract.id_column, ids)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()


def timed(command: list[str], few: list[str]) -> dict[str, float]:
    """Seconds of a process, those of its start apart, and its peak memory."""
    start = measured(few, Path.cwd())
    whole = measured(command, Path.cwd())
    return {
        "start_seconds": start.seconds,
        "seconds": round(whole.seconds - start.seconds, 3),
        "peak_megabytes": whole.megabytes,
    }


class Round:
    """What is measured in one round of one model.

    Args:
        model: folder of its bundle.
        folder: with the customers, `all.parquet` and `few.parquet`.
        rows: how many `all.parquet` has.
    """

    def __init__(self, model: Path, folder: Path, rows: int) -> None:
        self._model, self._folder, self._rows = model, folder, rows

    def figures(self) -> dict[str, dict[str, float]]:
        """Each in turn."""
        found = {"ours": self._ours(), "sklearn": self._sklearn(), "bare": self._bare()}
        for one in found.values():
            one["rows_per_second"] = round(self._rows / one["seconds"])
        return found

    def _ours(self) -> dict[str, float]:
        names = ("all", "few")
        return timed(*(self._command(name) for name in names))

    def _command(self, name: str) -> list[str]:
        given = {
            "INPUT": self._folder / f"{name}.parquet",
            "OUTPUT": self._folder / "scores.parquet",
            "MODEL": self._model,
            "FORCE": "1",
        }
        variables = [f"{key}={value}" for key, value in given.items()]
        return ["env", *variables, sys.executable, "-m", "pipelines.score"]

    def _rival(self, kind: str, name: str) -> list[str]:
        paths = [str(self._folder / one) for one in (f"{name}.parquet", "scores.sklearn.parquet")]
        return [sys.executable, "-m", "benchmarks.score_rivals", kind, str(self._model), *paths]

    def _sklearn(self) -> dict[str, float]:
        return timed(self._rival("sklearn", "all"), self._rival("sklearn", "few"))

    def _bare(self) -> dict[str, float]:
        command = self._rival("bare", "all")
        return {"seconds": round(float(subprocess.check_output(command, text=True)), 3)}


def check(folder: Path) -> None:
    """Hold both scores against each other: other scores are not worth measuring.

    Raises:
        RuntimeError: they differ by more than float32 can tell.
    """
    names = ("scores.parquet", "scores.sklearn.parquet")
    ours, theirs = (pq.read_table(folder / one)["churn_probability"].to_numpy() for one in names)
    if len(ours) != len(theirs) or np.abs(ours - theirs).max() > 1e-6:
        raise RuntimeError("make score and the Pipeline do not say the same")


def ratios(found: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Our rows a second, as a share of the others'."""
    rate = {name: one["rows_per_second"] for name, one in found.items()}
    return {name: round(rate["ours"] / rate[name], 3) for name in ("bare", "sklearn")}


def compared(rounds: int, rows: int) -> dict[str, Any]:
    """All models, all rounds."""
    models: dict[str, Any] = {}
    others: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        apart(write_customers, folder / "all.parquet", rows)
        apart(write_customers, folder / "few.parquet", FEW)
        for name, (trees, depth) in MODELS.items():
            inputs = apart(write_model, folder / str(depth), trees, depth)
            found = []
            for number in range(rounds):
                print(f"{name}, round {number + 1} of {rounds}", flush=True)
                others.append(cores_at_work())
                found.append(Round(folder / str(depth), folder, rows).figures())
                apart(check, folder)
            models[name] = {
                "inputs": inputs,
                **median(found),
                "ratios": median([ratios(one) for one in found]),
            }
    return {
        "machine": {
            "cores": os.cpu_count(),
            "cores_taken_by_others": round(statistics.mean(others), 2),
            "python": platform.python_version(),
        },
        "rows": rows,
        "rounds": rounds,
        "models": models,
    }


def main() -> None:
    """Measure, print, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    given = arguments.parse_args()
    write_json(RESULT, compared(given.rounds, given.rows))
    print(RESULT.read_text(), end="")


if __name__ == "__main__":
    main()
