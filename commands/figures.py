"""`make figures`: write the figures of README.md from the reports that hold them.

A figure stands between `<!-- name -->` and `<!-- /name -->`. `--check` writes nothing and exits
with 1 when README.md says something else than the reports.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from churn.files import read_json, write_text
from commands import summary

README = Path("README.md")
QUALITY = ("roc_auc", "pr_auc", "f1", "log_loss", "brier")
BALANCE = ("log_loss", "pr_auc", "roc_auc", "f1")
BENCH = Path("reports/bench")


def results() -> str:
    """The end of `make repro`."""
    return f"```text\n{summary.text().strip()}\n```"


def measured(name: str, target: str) -> Any:
    """What a benchmark wrote."""
    path = BENCH / f"{name}.json"
    if not path.is_file():
        sys.exit(f"error: {path}: no such file. Run make {target} and commit what it writes.")
    return read_json(path)


def speed() -> str:
    """The table of `make bench`."""
    found = measured("pipeline", "bench")
    whole, rows = found["dvc_repro_seconds"], found["rows"]
    lines = [
        "| what | measured |",
        "|---|---|",
        f"| `dvc repro` from nothing / with nothing to do | {whole['from_nothing']:.0f} s"
        f" / {whole['nothing_to_do']:.1f} s |",
        *(_size(int(count), one) for count, one in rows.items()),
    ]
    return "\n".join(lines)


def _size(count: int, one: dict[str, Any]) -> str:
    return (
        f"| {count:,} customers, load to featurize | {one['seconds']:.0f} s"
        f" ({one['seconds_per_million_rows']:.0f} s a million), at most"
        f" {one['peak_megabytes'] / 1000:.1f} GB; drawing them {one['generator_seconds']:.1f} s |"
    )


def searched() -> str:
    """Our grid search beside scikit-learn's."""
    found = measured("search", "bench")["balance"]
    lines = ["| balance | ours | `GridSearchCV` | ratio |", "|---|---|---|---|"]
    for method, one in found.items():
        seconds = one["seconds"]
        times = f"{seconds['ours']:.0f} s | {seconds['theirs']:.0f} s | {one['ratio']:.2f}"
        lines.append(f"| `{method}` | {times} |")
    return "\n".join(lines)


def quality() -> str:
    """The models of `make bench-quality` beside one another."""
    lines = []
    for name, table in measured("quality", "bench-quality")["tables"].items():
        size = f"{table['n']:,} customers, {table['churners'] / table['n']:.0%} churn"
        lines += ["", f"`{name}` ({size})", "", _head("model", QUALITY), _rule(QUALITY)]
        lines += [_row(model, one, QUALITY) for model, one in table["models"].items()]
    return "\n".join(lines[1:])


def balance() -> str:
    """What each method of `balance` does to our model on the real tables."""
    found = measured("quality", "bench-quality")["balance"]
    lines = [_head("table | balance", BALANCE), _rule(BALANCE, 2)]
    for name, methods in found.items():
        lines += [_row(f"`{name}` | `{method}`", one, BALANCE) for method, one in methods.items()]
    return "\n".join(lines)


def _head(first: str, metrics: Sequence[str]) -> str:
    return f"| {first} | {' | '.join(metrics)} |"


def _rule(metrics: Sequence[str], names: int = 1) -> str:
    return "|" + "---|" * (names + len(metrics))


def _row(name: str, found: dict[str, float], metrics: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(f'{found[metric]:.4f}' for metric in metrics)} |"


BLOCKS = {
    "summary": results,
    "bench": speed,
    "search": searched,
    "quality": quality,
    "balance": balance,
}


def filled(text: str) -> str:
    """The text with every figure replaced by what the reports say."""
    for name, content in BLOCKS.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, found = block.subn(rf"\g<1>{content()}\n\g<2>", text)
        if not found:
            sys.exit(f"error: {README}: there is no place for <!-- {name} -->.")
    return text


def main() -> None:
    """Fill in, or check."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether they agree")
    before = README.read_text(encoding="utf-8")
    after = filled(before)
    if not arguments.parse_args().check:
        write_text(README, after)
    elif before != after:
        sys.exit("error: README.md has other figures than the reports. Run make figures.")


if __name__ == "__main__":
    main()
