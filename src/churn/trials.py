"""The trials of a search as text for a terminal, the best first."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

# Of `reports/trials.csv`; the others are parameters of the model.
OF_THE_TRIAL = ("trial", "score", "best_so_far", "std", "folds", "pruned")
MOST = 30
Row = Mapping[str, str]


def ranked(content: str) -> list[Row]:
    """The lines of `reports/trials.csv`, the best first, and last those that were given up."""
    rows = [*csv.DictReader(content.splitlines())]
    return sorted(rows, key=lambda one: (one["pruned"] == "1", -float(one["score"])))


def varied(rows: Sequence[Row]) -> list[str]:
    """The parameters that are not the same in all trials."""
    names = [name for name in rows[0] if name not in OF_THE_TRIAL]
    return [name for name in names if len({row[name] for row in rows}) > 1]


def table(rows: Sequence[Row], search: Mapping[str, Any]) -> list[str]:
    """The best trials: mean and standard deviation over the folds, and the parameters that vary.

    Args:
        rows: as `ranked` gives them.
        search: `search` of `reports/training.json`.
    """
    names = varied(rows)
    head = ["trial", "mean ± sd", *names, ""]
    lines = [head, *([*_result(row), *(row[n] for n in names), _fate(row)] for row in rows[:MOST])]
    widths = [max(map(len, column)) + 3 for column in zip(*lines, strict=True)]
    more = [f"… and {len(rows) - MOST} more in reports/trials.csv"] if len(rows) > MOST else []
    return [
        f"{search['scoring']} over {rows[0]['folds']} folds (greater is better), the best first:",
        "",
        *("".join(map(str.ljust, line, widths)).rstrip() for line in lines),
        *more,
        "",
        f"conf/model as it is: {search['configured_score']:.4f}",
    ]


def _result(row: Row) -> tuple[str, str]:
    return row["trial"], f"{float(row['score']):.4f} ± {float(row['std']):.4f}"


def _fate(row: Row) -> str:
    return f"given up after {row['folds']} folds" if row["pruned"] == "1" else ""
