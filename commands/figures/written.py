"""What benchmarks have written, and tables of it in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from churn.files import read_json

BENCH = Path("reports/bench")


def measured(name: str, target: str) -> Any:
    """What a benchmark wrote."""
    path = BENCH / f"{name}.json"
    if not path.is_file():
        sys.exit(f"error: {path}: no such file. Run make {target} and commit what it writes.")
    return read_json(path)


def milliseconds(value: float) -> str:
    """Two digits after the point below 1, one below 100, none above."""
    return f"{value:.{2 if value < 1 else 1 if value < 100 else 0}f}"


def head(first: str, metrics: Sequence[str]) -> str:
    """A line of a table."""
    return f"| {first} | {' | '.join(metrics)} |"


def rule(metrics: Sequence[str], names: int = 1) -> str:
    """The line below its first one, for so many cells after the names."""
    return "|" + "---|" * (names + len(metrics))
