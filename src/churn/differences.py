"""How two models differ, as text for a terminal: metrics, parameters, data, and which is better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn.champion import Change, Comparison, Gain
from churn.metrics import LOSSES

DIGITS = 8


@dataclass(frozen=True)
class Data:
    """What one of the pipeline's tables is in one of the two: MD5 of the file, and its rows."""

    md5: str
    rows: int

    def __str__(self) -> str:
        return f"{self.rows} rows ({self.md5[:DIGITS]})"


def metrics(changes: Mapping[str, Change], old: str, new: str) -> list[str]:
    """A line a metric: both values, the difference, its 95 % interval.

    Args:
        changes: by metric.
        old, new: what the two models are called, of 12 letters at most.
    """
    lines = [f"{'metric':<20}{old:>9}{new:>12}{'difference':>12}   95 % interval"]
    for name, one in changes.items():
        values = f"{one.champion:>9.4f}{one.challenger:>12.4f}{one.difference:>+12.4f}"
        lines.append(f"{name:<20}{values}   {one.low:+.4f} – {one.high:+.4f}")
    return [*lines, f"(less is better in {', '.join(LOSSES)})"]


def better(found: Comparison) -> str:
    """Which of A and B is better on the deciding metric, and whether that is sure.

    It is where the 95 % interval of the paired difference leaves out 0.
    """
    change = found.changes[found.metric]
    gain = Gain.of(change, found.metric, 0)
    if change.low == change.high == 0:
        return f"A and B are equally good on {found.metric}: they say the same."
    if gain.value == 0:
        return f"A and B are equally good on {found.metric}, but that may be chance."
    name = "B" if gain.value > 0 else "A"
    low, high = (gain.low, gain.high) if name == "B" else (-gain.high, -gain.low)
    sure = "and that is sure" if gain.verdict in {"better", "worse"} else "but that may be chance"
    return (
        f"{name} is better on {found.metric} by {abs(gain.value):.4f} "
        f"({low:.4f} – {high:.4f}), {sure}."
    )


def parameters(changed: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """A line for each parameter that differs, with its value in A and in B; None is shown as -."""
    if not changed:
        return ["Parameters: the same."]
    rows = {name: [shown(value) for value in pair] for name, pair in changed.items()}
    return columns_of_text("Parameters", rows)


def data(tables: Mapping[str, tuple[Data, Data]]) -> list[str]:
    """A line for each table: what it is in A, and what in B."""
    shown = {path: [str(a), "the same" if a == b else str(b)] for path, (a, b) in tables.items()}
    return columns_of_text("Data", shown)


def shown(value: object) -> str:
    """A value, and - where there is none."""
    return "-" if value is None else str(value)


def columns_of_text(title: str, rows: Mapping[str, Sequence[str]]) -> list[str]:
    """Lines of a name, what it is in A, and what in B, under a head."""
    lines = [(title, "A", "B"), *((name, *pair) for name, pair in rows.items())]
    first, second = (max(len(line[place]) for line in lines) + 3 for place in (0, 1))
    return [f"{name:<{first}}{a:<{second}}{b}" for name, a, b in lines]
