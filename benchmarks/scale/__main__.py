"""`make bench-scale`: loading, training and both engines of scoring at 0.1 to 30 million rows.

It takes an hour on two cores; `ONLY=train` measures one part anew and leaves what
reports/bench/scale.json says of the others. `ROWS=1000,10000` tries other sizes and writes nothing.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import cores_at_work
from benchmarks.scale import engines, loading, training
from churn.files import read_json, write_json

RESULT = Path("reports/bench/scale.json")
MILLION = 1_000_000
Measure = Callable[[Sequence[int]], dict[str, Any]]
PARTS: Mapping[str, tuple[Measure, Sequence[int]]] = {
    "load": (loading.measure, [MILLION // 10, MILLION, 10 * MILLION]),
    "train": (training.measure, [MILLION // 10, MILLION, 10 * MILLION]),
    "engines": (engines.measure, [MILLION, 10 * MILLION, 30 * MILLION]),
}


def chosen(only: str) -> list[str]:
    """The parts to be measured.

    Raises:
        SystemExit: one is named that is none.
    """
    names = only.split() or [*PARTS]
    if unknown := [name for name in names if name not in PARTS]:
        sys.exit(f"error: ONLY={' '.join(unknown)}: no such part. There are {', '.join(PARTS)}.")
    return names


def sizes(rows: str) -> list[int]:
    """Other numbers of rows than a part's own, the smallest first; none if it is to have its own.

    Raises:
        SystemExit: one is no number.
    """
    given = [one.strip() for one in rows.split(",") if one.strip()]
    if not all(one.isascii() and one.isdecimal() and int(one) for one in given):
        sys.exit(f"error: ROWS={rows}: not whole numbers. Write them as 1000,10000.")
    return sorted(map(int, given))


def main() -> None:
    """Measure, print, write."""
    names, rows = chosen(os.environ.get("ONLY", "")), sizes(os.environ.get("ROWS", ""))
    machine = {
        "cores": os.cpu_count(),
        "cores_taken_by_others": round(cores_at_work(), 2),
        "python": platform.python_version(),
    }
    for name in names:
        measure, own = PARTS[name]
        found = {"machine": machine, **measure(rows or own)}
        if not rows:
            before = read_json(RESULT) if RESULT.is_file() else {}
            write_json(RESULT, {**before, name: found})


if __name__ == "__main__":
    main()
