"""How good models are, and what finds drift."""

from __future__ import annotations

from collections.abc import Sequence

from commands import summary
from commands.figures.written import head, measured, rule

QUALITY = ("roc_auc", "pr_auc", "f1", "log_loss", "brier")
BALANCE = ("log_loss", "pr_auc", "roc_auc", "f1")


def results() -> str:
    """The end of `make repro`."""
    return f"```text\n{summary.text().strip()}\n```"


def quality() -> str:
    """The models of `make bench-quality` beside one another."""
    lines = []
    for name, table in measured("quality", "bench-quality")["tables"].items():
        size = f"{table['n']:,} customers, {table['churners'] / table['n']:.0%} churn"
        lines += ["", f"`{name}` ({size})", "", head("model", QUALITY), rule(QUALITY)]
        lines += [_row(model, one, QUALITY) for model, one in table["models"].items()]
    return "\n".join(lines[1:])


def balance() -> str:
    """What each method of `balance` does to our model on the real tables."""
    found = measured("quality", "bench-quality")["balance"]
    lines = [head("table | balance", BALANCE), rule(BALANCE, 2)]
    for name, methods in found.items():
        lines += [_row(f"`{name}` | `{method}`", one, BALANCE) for method, one in methods.items()]
    return "\n".join(lines)


def _row(name: str, found: dict[str, float], metrics: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(f'{found[metric]:.4f}' for metric in metrics)} |"


def drifted() -> str:
    """How often each calls something moved in `make bench-drift` where nothing is."""
    found = measured("drift", "bench-drift")
    quiet, draws = found["called_moved"]["no shift"], found["draws"]["without_shift"]
    names = {
        f"ours, of {draws['ours']:,} draws": "ours",
        f"PSI alone, from 0.1, of {draws['ours']:,}": "psi_alone",
        f"Evidently {found['evidently']}, column drift, of {draws['evidently']}": "evidently",
    }
    heads = [f"{int(size):,} customers" for size in quiet]
    lines = [head("anything called moved by", heads), rule(heads)]
    for name, key in names.items():
        lines.append(head(name, [f"{one[key]:.1%}" for one in quiet.values()]))
    return "\n".join(lines)
