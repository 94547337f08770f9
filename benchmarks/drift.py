"""`make bench-drift`: who finds planted shifts, who cries wolf, into reports/bench/drift.json.

Customers are drawn from a large table of the embedded generator, with a shift planted or without,
and held against the training rows of models/churn. Beside ours stand the same PSI with its bounds
alone, and Evidently's column drift at its defaults, on the same draws, but fewer, since it is slow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.customers import MODEL
from benchmarks.drift_table import table
from benchmarks.estimates import DRAWS as ESTIMATES
from benchmarks.estimates import ROWS, estimates
from benchmarks.shifts import shifts
from benchmarks.tables import embedded, frame
from churn.bundle import Bundle
from churn.columns import Columns, take
from churn.drift import Comparison, compare
from churn.files import read_parquet, write_json
from churn.scoring import Scorer
from churn.settings import DriftSettings
from churn.tables import to_columns

RESULT = Path("reports/bench/drift.json")
TRAIN = Path("data/features/train.parquet")
PYTHON = Path(".venv.bench-evidently/bin/python")
RIVAL = Path("benchmarks/drift_rivals/evidently_drift.py")
NONE = "no shift"
SIZES = (200, 1000, 5000)
# Draws of ours and of Evidently, of each size.
WITHOUT, EVIDENTLY_WITHOUT = 1000, 40
PLANTED, EVIDENTLY_PLANTED = 100, 12


@dataclass(frozen=True)
class Case:
    """Many customers with one shift; `column` is where, None for none."""

    columns: Columns
    scores: NDArray[np.float64]
    column: str | None

    @property
    def rival_columns(self) -> list[str]:
        """What Evidently looks at: the shifted column, or all."""
        return [self.column] if self.column else [*self.columns]


@dataclass(frozen=True)
class Measuring:
    """What all cases are held against."""

    bundle: Bundle
    settings: DriftSettings

    def rates(self, case: Case, draws: NDArray[np.int64]) -> dict[str, float]:
        """Share of draws (draws, n) in which the case's column, or any, is called moved."""
        found = [
            compare(
                take(case.columns, rows), case.scores[rows], self.bundle.reference, self.settings
            )
            for rows in draws
        ]
        looked_at = [_looked_at(one, case.column) for one in found]
        ours = [any(drift.level != "ok" for drift in drifts) for drifts in looked_at]
        alone = [any(d.psi >= self.settings.warning for d in drifts) for drifts in looked_at]
        return {"ours": _share(ours), "psi_alone": _share(alone)}


def _looked_at(found: Comparison, column: str | None) -> list[Any]:
    return [one for name, one in found.drifts.items() if column in {None, name}]


def _share(found: list[bool]) -> float:
    return round(sum(found) / len(found), 4)


def cases(columns: Columns, scorer: Scorer) -> Iterator[tuple[str, Case]]:
    """By name: no shift, and every shift, each scored anew."""
    yield NONE, Case(columns, scorer.probabilities(columns), None)
    for number, shift in enumerate(shifts()):
        changed = shift.plant(columns, number)
        yield shift.name, Case(changed, scorer.probabilities(changed), shift.column)


def drawn(name: str, rows: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """By size, numbers of the rows of each draw; (draws, size)."""
    count = WITHOUT if name == NONE else PLANTED
    rng = np.random.default_rng(0)
    for size in SIZES:
        yield size, np.array([rng.choice(rows, size, replace=False) for _ in range(count)])


class Evidently:
    """Evidently in an environment of its own; the draws go there as files, in a process beside."""

    def __init__(self, folder: Path, found: dict[str, Case], rows: int) -> None:
        # Not the score: of the training rows the model's own would be too good to compare with.
        reference = to_columns(read_parquet(TRAIN), found[NONE].columns)
        frame(reference).to_parquet(folder / "reference.parquet")
        tasks, draws = {}, {}
        for number, (name, case) in enumerate(found.items()):
            file = f"{number}.parquet"
            frame(case.columns).to_parquet(folder / file)
            count = EVIDENTLY_WITHOUT if name == NONE else EVIDENTLY_PLANTED
            for size, numbers in drawn(name, rows):
                tasks[f"{name}/{size}"] = {"file": file, "columns": case.rival_columns}
                draws[f"{name}/{size}"] = numbers[:count]
        (folder / "tasks.json").write_text(json.dumps(tasks))
        np.savez(folder / "draws.npz", allow_pickle=False, **draws)
        self._process = subprocess.Popen([PYTHON, RIVAL, folder], stdout=subprocess.PIPE)

    def answer(self) -> dict[str, Any]:
        """Its version, and by case and size the share of draws with anything called drifting."""
        output, _ = self._process.communicate()
        if self._process.returncode:
            sys.exit("error: Evidently failed; what it said stands above. Run make bench-drift.")
        answer = json.loads(output)
        rates = {task: _share([bool(one) for one in f]) for task, f in answer["found"].items()}
        return {"version": answer["version"], "rates": rates}


def measured(found: dict[str, Case], measuring: Measuring, rows: int) -> dict[str, Any]:
    """By case and size, the rates of ours."""
    return {
        name: {str(size): measuring.rates(case, draws) for size, draws in drawn(name, rows)}
        for name, case in found.items()
    }


def main() -> None:
    """Measure, print, write."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for needed, target in ((TRAIN, "repro"), (MODEL, "repro"), (PYTHON, "bench-drift")):
        if not needed.exists():
            sys.exit(f"error: {needed}: no such file. Run make {target}.")
    many = embedded("source.seed=21", "source.history_rows=60000")
    scorer, rows = Scorer(Bundle.load(MODEL)), len(many.labels)
    found = dict(cases(many.columns, scorer))
    with tempfile.TemporaryDirectory() as folder:
        rival = Evidently(Path(folder), found, rows)
        rates = measured(found, Measuring(scorer.bundle, many.parameters.drift), rows)
        assert many.truth is not None  # noqa: S101
        threshold = scorer.bundle.manifest.threshold
        estimated = estimates(many.columns, found[NONE].scores, many.truth, threshold)
        answer = rival.answer()
    for task, rate in answer["rates"].items():
        name, size = task.rsplit("/", 1)
        rates[name][size]["evidently"] = rate
    result = {
        "evidently": answer["version"],
        "reference_rows": scorer.bundle.reference.rows,
        "draws": {
            "without_shift": {"ours": WITHOUT, "evidently": EVIDENTLY_WITHOUT},
            "planted": {"ours": PLANTED, "evidently": EVIDENTLY_PLANTED},
            "estimates": {"draws": ESTIMATES, "rows": ROWS},
        },
        "called_moved": rates,
        "estimates": estimated,
    }
    write_json(RESULT, result)
    print(table(result))


if __name__ == "__main__":
    main()
