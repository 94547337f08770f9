"""How long things take, and how much memory."""

from __future__ import annotations

from typing import Any

from commands import costs
from commands.figures.written import head, measured, milliseconds, rule


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
    lines = [head("server", heads), rule(heads)]
    lines += [_server(name, one) for name, one in found["servers"].items()]
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


def logged() -> str:
    """What the prediction log costs the server in `make bench`."""
    found = measured("log", "bench")
    servers, ratios, rate = found["servers"], found["ratios"], found["settings"]["rate"]
    heads = (f"{rate} req/s: p50 / p99 ms", "64 connections: req/s")
    lines = [head("", heads), rule(heads)]
    for name, one in servers.items():
        steady, full = one["steady"], one["full"]["requests_per_second"]
        times = f"{milliseconds(steady['p50_ms'])} / {milliseconds(steady['p99_ms'])}"
        lines.append(head(name, (times, f"{full:,.0f}")))
    ratio = f"× {ratios['p50']:.2f} / × {ratios['p99']:.2f}"
    lines.append(head("ratio, median of the rounds", (ratio, f"× {ratios['throughput']:.2f}")))
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
    lines = [head("model", heads), rule(heads)]
    for name, one in found["models"].items():
        ours, sklearn = one["ours"], one["sklearn"]
        gigabytes = [f"{each['peak_megabytes'] / 1000:.1f} GB" for each in (ours, sklearn)]
        cells = (
            f"{ours['rows_per_second']:,}",
            f"{one['ratios']['bare']:.0%}",
            f"× {one['ratios']['sklearn']:.1f}",
            f"{gigabytes[0]} ({gigabytes[1]})",
        )
        lines.append(head(name, cells))
    return "\n".join(lines)


def scaled() -> str:
    """How `load` and `train` grow with the number of rows in `make bench-scale`."""
    found = measured("scale", "bench-scale")
    heads = ("customers", "seconds", "seconds of a core, a million", "memory")
    lines = [head("stage", heads), rule(heads)]
    for stage in ("load", "train"):
        for count, one in found[stage]["rows"].items():
            per_million = one["cpu_seconds"] / int(count) * 1e6
            gigabytes = f"{one['peak_gigabytes']:.1f} GB"
            cells = (f"{int(count):,}", f"{one['seconds']:,.0f}", f"{per_million:,.0f}", gigabytes)
            lines.append(head(f"`{stage}`", cells))
    return "\n".join(lines)


def engines() -> str:
    """Both engines of `make score` on the same rows in `make bench-scale`."""
    found = measured("scale", "bench-scale")["engines"]
    heads = ("this machine: seconds", "µs a row", "memory", "Spark: seconds", "µs a row", "memory")
    lines = [head("customers", heads), rule(heads)]
    for one in found["sizes"]:
        cells = [cell for engine in ("local", "spark") for cell in _engine(one[engine])]
        lines.append(head(f"{one['rows']:,}", cells))
    rows = found["crossing_rows"]
    last = found["sizes"][-1]["spark_to_local_per_row"]
    crossing = f"from {rows:,} rows on Spark is the quicker one" if rows else "they never cross"
    start = found["start_seconds"]
    return "\n".join(
        [
            *lines,
            "",
            f"On the same {found['cores']} cores {crossing}: a row costs {last:.1f} × as much on "
            f"Spark, and the start {start['spark']:.0f} s against {start['local']:.0f} s.",
        ]
    )


def _engine(one: dict[str, float]) -> tuple[str, str, str]:
    gigabytes = f"{one['peak_megabytes'] / 1000:.1f} GB"
    return f"{one['seconds']:,.0f}", f"{one['microseconds_per_row']:.2f}", gigabytes


def clouds() -> str:
    """What serving costs on clouds, by their prices and what one core answered in benchmarks."""
    served = measured("serve", "bench-serve")
    full = served["servers"]["ours"]["closed"]["64"]["requests_per_second"]
    with_log = measured("log", "bench")["ratios"]["throughput"]
    return costs.table(costs.prices(), full / served["machine"]["cores"] * with_log)
