"""`make figures`: write the figures of README.md and deploy/clouds.md from what they come from.

A figure stands between `<!-- name -->` and `<!-- /name -->`. `--check` writes nothing and exits
with 1 when a page says something else than the reports, benchmarks and prices.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from churn.errors import ChurnError
from churn.files import read_json, write_text
from commands import costs, summary

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


def served() -> str:
    """Our server beside the others of `make bench-serve`."""
    found = measured("serve", "bench-serve")
    heads = (
        "1 connection: p50 ms",
        "64 connections: req/s",
        "p50 / p99 ms",
        "500 req/s: p50 / p99 ms",
        "batches: rows/s",
        "start",
        "memory",
    )
    lines = [_head("server", heads), _rule(heads)]
    lines += [_server(name, one) for name, one in found["servers"].items()]
    return "\n".join(lines)


def logged() -> str:
    """What the prediction log costs the server in `make bench`."""
    found = measured("log", "bench")
    servers, ratios, rate = found["servers"], found["ratios"], found["settings"]["rate"]
    heads = (f"{rate} req/s: p50 / p99 ms", "64 connections: req/s")
    lines = [_head("", heads), _rule(heads)]
    for name, one in servers.items():
        steady, full = one["steady"], one["full"]["requests_per_second"]
        times = f"{milliseconds(steady['p50_ms'])} / {milliseconds(steady['p99_ms'])}"
        lines.append(_head(name, (times, f"{full:,.0f}")))
    ratio = f"× {ratios['p50']:.2f} / × {ratios['p99']:.2f}"
    lines.append(_head("ratio, median of the rounds", (ratio, f"× {ratios['throughput']:.2f}")))
    return "\n".join(lines)


def contained() -> str:
    """The image of `make bench-image`, and its container."""
    found = measured("image", "bench-image")
    container, on_disk = found["container"], found["on_disk_megabytes"]
    size = f"{on_disk:.0f} MB / {found['compressed_megabytes']:.0f} MB"
    lines = [
        "| the image | measured |",
        "|---|---|",
        f"| on disk / compressed | {size} |",
        f"| from `docker run` to the first prediction | {container['start_seconds']:.1f} s |",
        f"| `docker stop` under load | {container['stop_seconds']:.1f} s |",
        f"| memory at rest | {container['megabytes_at_rest']:.0f} MB |",
    ]
    return "\n".join(lines)


def tables_scored() -> str:
    """`make score` beside others in `make bench-score`."""
    found = measured("score", "bench-score")
    heads = ("rows/s", "of the trees alone", "to scikit-learn on pandas", "memory (scikit-learn)")
    lines = [_head("model", heads), _rule(heads)]
    for name, one in found["models"].items():
        ours, sklearn = one["ours"], one["sklearn"]
        gigabytes = [f"{each['peak_megabytes'] / 1000:.1f} GB" for each in (ours, sklearn)]
        cells = (
            f"{ours['rows_per_second']:,}",
            f"{one['ratios']['bare']:.0%}",
            f"× {one['ratios']['sklearn']:.1f}",
            f"{gigabytes[0]} ({gigabytes[1]})",
        )
        lines.append(_head(name, cells))
    return "\n".join(lines)


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
    lines = [_head("anything called moved by", heads), _rule(heads)]
    for name, key in names.items():
        lines.append(_head(name, [f"{one[key]:.1%}" for one in quiet.values()]))
    return "\n".join(lines)


def _server(name: str, one: dict[str, Any]) -> str:
    many = one["closed"]["64"]
    rows = [
        f"{max(batch['rows_per_second'].values()):,} as {form}"
        for form, batch in one["batch"].items()
    ]
    cells = (
        milliseconds(one["closed"]["1"]["p50_ms"]),
        f"{many['requests_per_second']:,.0f}",
        _between(many),
        _between(one["open"]["500"]),
        ", ".join(rows) or "none",
        f"{one['start_seconds']:.1f} s",
        f"{one['megabytes']['loaded']:.0f} MB",
    )
    return f"| {name} | {' | '.join(cells)} |"


def _between(load: dict[str, Any]) -> str:
    """Median and 99th percentile, or that the server did not keep up."""
    if load["p99_ms"] is None:
        return "falls behind"
    return f"{milliseconds(load['p50_ms'])} / {milliseconds(load['p99_ms'])}"


def milliseconds(value: float) -> str:
    """Two digits after the point below 1, one below 100, none above."""
    return f"{value:.{2 if value < 1 else 1 if value < 100 else 0}f}"


def _head(first: str, metrics: Sequence[str]) -> str:
    return f"| {first} | {' | '.join(metrics)} |"


def _rule(metrics: Sequence[str], names: int = 1) -> str:
    return "|" + "---|" * (names + len(metrics))


def _row(name: str, found: dict[str, float], metrics: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(f'{found[metric]:.4f}' for metric in metrics)} |"


def clouds() -> str:
    """What serving costs on clouds, by their prices and what one core answered in benchmarks."""
    served = measured("serve", "bench-serve")
    full = served["servers"]["ours"]["closed"]["64"]["requests_per_second"]
    with_log = measured("log", "bench")["ratios"]["throughput"]
    return costs.table(costs.prices(), full / served["machine"]["cores"] * with_log)


README, CLOUDS = Path("README.md"), Path("deploy/clouds.md")
PAGES: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    README: {
        "summary": results,
        "bench": speed,
        "serve": served,
        "image": contained,
        "score": tables_scored,
        "drift": drifted,
        "log": logged,
        "search": searched,
        "quality": quality,
        "balance": balance,
    },
    CLOUDS: {"costs": clouds},
}


def filled(page: Path, text: str) -> str:
    """A page's text with every figure replaced by what it comes from.

    Raises:
        ChurnError: what it comes from has a mistake.
    """
    for name, content in PAGES[page].items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, found = block.subn(rf"\g<1>{content()}\n\g<2>", text)
        if not found:
            sys.exit(f"error: {page}: there is no place for <!-- {name} -->.")
    return text


def main() -> None:
    """Fill in, or check."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether they agree")
    is_check = arguments.parse_args().check
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        try:
            after = filled(page, before)
        except ChurnError as error:
            sys.exit(f"error: {error}")
        if not is_check:
            write_text(page, after)
        elif before != after:
            sys.exit(f"error: {page} has other figures than it should. Run make figures.")


if __name__ == "__main__":
    main()
