"""The comment on a pull request: what the change does to the model, the most important first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from churn.champion import Comparison
from churn.differences import Data, better, shown
from churn.markdown import cell, table
from churn.metrics import LOSSES

# By it the comment is found again and brought up to date.
MARK = "<!-- churn: what this change does to the model -->"
# Of GitHub: characters that a comment may have.
MOST = 65_536
CUT = "\n\n_The rest is too long for a comment; the report has it._\n"


@dataclass(frozen=True)
class Change:
    """What is known of a change.

    Attributes:
        base: what it is held against.
        comparison: of the two models; in its place a sentence that says why there is none.
        alarms: what somebody should look at before anything else.
        experiments: of DVC, as a table in Markdown; empty if there are none.
        report: address of the whole report; empty if it has none.
        parameters: value before and after of each that differs.
        data: each raw table before and after.
        why: reasons for training anew, where that is what the change is.
    """

    base: str
    comparison: Comparison | str
    alarms: Sequence[str]
    experiments: str
    report: str
    parameters: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    data: Mapping[str, tuple[Data, Data]] = field(default_factory=dict)
    why: Sequence[str] = ()


def comment(change: Change) -> str:
    """The comment, in Markdown, of `MOST` characters at most."""
    parts = [
        MARK,
        _verdict(change),
        *_listed("Alarms", change.alarms),
        *_listed("Why it was trained", change.why),
        *_metrics(change.comparison),
        *_parameters(change.parameters),
        *_data(change.data),
        *_experiments(change.experiments),
    ]
    return _cut([one for one in parts if one])


def _cut(parts: Sequence[str]) -> str:
    """The parts that fit, from the first on; never half a table."""
    text = "\n\n".join(parts) + "\n"
    if len(text) <= MOST:
        return text
    kept, size = [], len(CUT)
    for one in parts:
        size += len(one) + 2
        if size > MOST:
            break
        kept.append(one)
    return "\n\n".join(kept) + CUT


def _verdict(change: Change) -> str:
    found = change.comparison
    link = f" [Report]({change.report})" if change.report else ""
    if isinstance(found, str):
        return f"## {cell(found)}\n\nA is `{cell(change.base)}`, B this change.{link}"
    may = "may" if found.promote else "may not"
    reasons = "\n".join(f"- {cell(reason)}" for reason in found.reasons)
    return (
        f"## {better(found)}\n\nA is `{cell(change.base)}`, B this change, on {found.n} customers "
        f"held out from both models, {found.churners} of them churners.{link}\n\n"
        f"Verdict: **{found.verdict}**. In A's place B {may} be promoted:\n{reasons}"
    )


def _listed(head: str, texts: Sequence[str]) -> list[str]:
    return [f"### {head}", "\n".join(f"- {cell(one)}" for one in texts)] if texts else []


def _metrics(found: Comparison | str) -> list[str]:
    if isinstance(found, str):
        return []
    lines = [
        (
            f"`{name}`",
            f"{one.champion:.4f}",
            f"{one.challenger:.4f}",
            f"{one.difference:+.4f}",
            f"{one.low:+.4f} – {one.high:+.4f}",
        )
        for name, one in found.changes.items()
    ]
    lost = [
        (f"{one.column}: {one.level}", one.n, f"{one.champion:.4f}", f"{one.challenger:.4f}")
        for one in found.slices
        if one.loss
    ]
    parts = []
    if lost:
        parts = ["### Worse for", table(("customers", "n", f"{found.metric}, A", "B"), lost)]
    head = ("metric", "A", "B", "difference", "95 % interval")
    less = f"(less is better in {', '.join(LOSSES)})"
    return [*parts, "### Metrics", table(head, lines), less]


def _parameters(changed: Mapping[str, tuple[Any, Any]]) -> list[str]:
    if not changed:
        return []
    lines = [(f"`{name}`", *map(shown, pair)) for name, pair in changed.items()]
    return ["### Parameters", table(("parameter", "A", "B"), lines)]


def _data(tables: Mapping[str, tuple[Data, Data]]) -> list[str]:
    lines = [(f"`{path}`", a, b) for path, (a, b) in tables.items() if a != b]
    return ["### Data", table(("table", "A", "B"), lines)] if lines else []


def _experiments(text: str) -> list[str]:
    if not text:
        return []
    return [f"<details><summary>Experiments</summary>\n\n{text}\n\n</details>"]
