"""`make bench`: how long the pipeline takes and how much memory, into reports/bench/pipeline.json.

Everything runs in fresh clones of HEAD. Times are wall-clock seconds, the median of several runs
where a run is short; memory is the peak resident size that the kernel accounts to the process.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn.files import write_json

RESULT = Path("reports/bench/pipeline.json")
STAGES = ("load", "validate", "clean", "featurize")
SIZES = (100_000, 1_000_000)
REPEATS = 3

GENERATOR = """
import sys
sys.path.insert(0, "src")
from pathlib import Path
from churn.params import read_parameters
from churn.sources import take_snapshot
parameters = read_parameters(Path("params.yaml"))
take_snapshot(parameters.source, parameters.table, "history", Path())
"""


@dataclass(frozen=True)
class Run:
    """One finished process: wall-clock seconds, those of all cores at work for it, peak MB."""

    seconds: float
    megabytes: float
    cpu_seconds: float


def measured(command: list[str], folder: Path) -> Run:
    """Run a command to its end and account for it.

    Raises:
        RuntimeError: it failed; its output is in the message.
    """
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"{command} failed: {output.read().decode()}")
    at_work = usage.ru_utime + usage.ru_stime
    return Run(round(seconds, 2), round(usage.ru_maxrss / 1024, 1), round(at_work, 2))


@contextmanager
def clone(*overrides: str) -> Iterator[Path]:
    """A fresh clone of HEAD, its params.yaml composed with the overrides."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(Path.cwd()), str(folder)], check=True)
        measured([sys.executable, "-m", "commands.compose", *overrides], folder)
        yield folder


def reproduction() -> dict[str, float]:
    """Seconds of `dvc repro` from nothing, and with nothing to do."""
    nothing, again = [], []
    for _ in range(REPEATS):
        with clone() as folder:
            nothing.append(measured(["dvc", "repro"], folder).seconds)
            again.append(measured(["dvc", "repro"], folder).seconds)
    return {"from_nothing": statistics.median(nothing), "nothing_to_do": statistics.median(again)}


def stages(rows: int) -> dict[str, Any]:
    """Seconds and MB of each stage from load to featurize, and of the generator alone."""
    with clone(f"source.history_rows={rows}") as folder:
        generator = [measured([sys.executable, "-c", GENERATOR], folder) for _ in range(REPEATS)]
        runs = {s: measured([sys.executable, "-m", f"pipelines.{s}"], folder) for s in STAGES}
    total = sum(run.seconds for run in runs.values())
    return {
        "stages": {name: vars(run) for name, run in runs.items()},
        "seconds": round(total, 2),
        "seconds_per_million_rows": round(total / rows * 1e6, 1),
        "peak_megabytes": max(run.megabytes for run in runs.values()),
        "generator_seconds": statistics.median(run.seconds for run in generator),
    }


def main() -> None:
    """Measure, print, write."""
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "dvc_repro_seconds": reproduction(),
        "rows": {str(rows): stages(rows) for rows in SIZES},
    }
    write_json(RESULT, result)
    print(RESULT.read_text(), end="")


if __name__ == "__main__":
    main()
