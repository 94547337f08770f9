"""Two versions of the customers, as text for a terminal: rows, columns, distributions, metrics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from churn.columns import Columns
from churn.contract import Contract
from churn.differences import columns_of_text, shown
from churn.drift import Comparison, compare
from churn.reference import Reference
from churn.settings import DriftSettings
from churn.wording import listed

Counts = Mapping[str, Mapping[str, int]]


def rows(old: Counts, new: Counts) -> list[str]:
    """What became of the rows of each table, in A and in B.

    Args:
        old, new: content of `reports/rows.json`.
    """
    lines = {
        f"{part}, {what.replace('_', ' ')}": [str(count), str(new.get(part, {}).get(what, "-"))]
        for part, counts in old.items()
        for what, count in counts.items()
    }
    return columns_of_text("Rows", lines)


def columns(old: Contract, new: Contract) -> list[str]:
    """Columns that only one of the two has, or that are of another type in the other."""
    types = [{name: one.type for name, one in each.columns.items()} for each in (old, new)]
    names = [name for name in {**types[0], **types[1]} if types[0].get(name) != types[1].get(name)]
    if not names:
        return ["Columns: the same."]
    return columns_of_text("Columns", {n: [each.get(n, "-") for each in types] for n in names})


def in_both(old: Contract, new: Contract) -> list[str]:
    """Columns that both know before the event, of the same type."""
    return [
        name
        for name in old.known_columns
        if name in new.known_columns and old.columns[name].type == new.columns[name].type
    ]


def moved(reference: Reference, now: Columns, settings: DriftSettings) -> Comparison:
    """How far customers have moved away from those of the reference.

    Args:
        reference: bins of the training rows of A.
        now: columns of the training rows of B, those that are to be compared, each (n,).
        settings: bounds of warning and alarm.
    """
    bins = {name: one for name, one in reference.bins.items() if name in now}
    known = Reference(rows=reference.rows, bins=bins)
    return compare(now, np.empty(0), known, settings)


def distributions(found: Comparison) -> list[str]:
    """A line a column: its PSI, what chance stays below, and the level."""
    lines = [f"{'Distribution':<24}{'PSI':>8}{'chance':>10}   level"]
    for name, one in found.drifts.items():
        lines.append(f"{name:<24}{one.psi:>8.4f}{one.chance:>10.4f}   {one.level}")
    return lines


def verdict(found: Comparison) -> str:
    """Whether the customers learnt from have moved, in one sentence."""
    names = [name for name, one in found.drifts.items() if one.level != "ok"]
    if not names:
        return f"None of {len(found.drifts)} columns has moved."
    return f"Of {len(found.drifts)} columns {len(names)} have moved: {listed(names)}."


def metrics(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """What was measured of either model on its own held-out customers.

    Args:
        old, new: content of `reports/metrics.json`.
    """
    lines = {n: [_shown(one.get(n)) for one in (old, new)] for n in old if n != "ceiling"}
    return columns_of_text("Metrics", lines)


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else shown(value)
