"""What `make bench-serve` found, as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from commands.figures.written import milliseconds

WIDTH = 22
LATENCIES = "p50 ms", "p95 ms", "p99 ms", "CPU ms"
Figures = dict[str, Any]


def table(result: Figures) -> str:
    """Every figure, a block a load and a line a server."""
    servers, machine = result["servers"], result["machine"]
    others = f"others took {machine['cores_taken_by_others']} of {machine['cores']} cores\n"
    return "\n".join(
        [
            others,
            *_sizes(servers),
            *_closed(servers, result["ratios"]),
            *_open(servers),
            *_batches(servers),
        ]
    )


def _line(name: str, *values: str) -> str:
    return f"{name:<{WIDTH}}" + "".join(f"{value:>12}" for value in values)


def _sizes(servers: Figures) -> Iterator[str]:
    yield _line("", "start s", "processes", "MB at rest", "MB loaded")
    for name, one in servers.items():
        memory = one["megabytes"]
        sizes = f"{memory['rest']:.0f}", f"{memory['loaded']:.0f}"
        yield _line(name, f"{one['start_seconds']:.1f}", str(one["processes"]), *sizes)


def _closed(servers: Figures, ratios: Figures) -> Iterator[str]:
    for n in next(iter(servers.values()))["closed"]:
        connections = "1 connection" if n == "1" else f"{n} connections"
        yield "\n" + _line(connections, "req/s", *LATENCIES, "ours is")
        for name, one in servers.items():
            load = one["closed"][n]
            times = f"{ratios[name][n]:.1f} ×" if name in ratios else ""
            yield _line(name, f"{load['requests_per_second']:,.0f}", *_latencies(load), times)


def _open(servers: Figures) -> Iterator[str]:
    for rate in next(iter(servers.values()))["open"]:
        yield "\n" + _line(f"{rate} requests/s", "answered", *LATENCIES)
        for name, one in servers.items():
            load = one["open"][rate]
            yield _line(name, f"{load['answered']:.1%}", *_latencies(load))


def _batches(servers: Figures) -> Iterator[str]:
    yield "\n" + _line("batches, rows/s", "1 conn.", "4 conn.", "single p50", "single p99")
    for name, one in servers.items():
        for form, batch in one["batch"].items():
            rows = (f"{count:,.0f}" for count in batch["rows_per_second"].values())
            beside = (_time(batch["singles_beside"][f"p{share}_ms"]) for share in (50, 99))
            yield _line(f"{name}, {form}", *rows, *beside)


def _latencies(load: Figures) -> list[str]:
    shares = [_time(load[f"p{share}_ms"]) for share in (50, 95, 99)]
    return [*shares, f"{load['cpu_ms_per_request']:.3f}"]


def _time(value: float | None) -> str:
    return "behind" if value is None else milliseconds(value)
