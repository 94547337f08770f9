"""Evidently's column drift at its defaults: `python evidently_drift.py FOLDER`, JSON to stdout.

FOLDER holds reference.parquet, draws.npz (by task, numbers of rows; (draws, n)) and tasks.json (by
task, the file that the rows are from and the columns to look at). For every draw of every task the
answer names the columns that Evidently calls drifting.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from evidently import Report
from evidently.metrics import ValueDrift


def is_drift(metric: dict[str, Any]) -> bool:
    """A p-value at or below its threshold, or a distance at or above it."""
    config, value = metric["config"], float(metric["value"])
    if "p_value" in config["method"]:
        return value <= config["threshold"]
    return value >= config["threshold"]


def drifting(current: pd.DataFrame, reference: pd.DataFrame) -> list[str]:
    """Columns of the current rows that are called drifting."""
    metrics: list[Any] = [ValueDrift(column=name) for name in current]
    found = Report(metrics).run(current, reference[[*current]]).dict()["metrics"]
    return [one["config"]["column"] for one in found if is_drift(one)]


def main() -> None:
    """Do every task."""
    folder = Path(sys.argv[1])
    reference, draws = pd.read_parquet(folder / "reference.parquet"), np.load(folder / "draws.npz")
    found = {}
    for name, task in json.loads((folder / "tasks.json").read_text()).items():
        table = pd.read_parquet(folder / task["file"])[task["columns"]]
        found[name] = [drifting(table.iloc[rows], reference) for rows in draws[name]]
    json.dump({"version": version("evidently"), "found": found}, sys.stdout)


if __name__ == "__main__":
    main()
