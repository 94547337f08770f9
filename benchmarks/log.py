"""What the prediction log costs the server: with it and without, turn and turn about.

`make bench` writes the result to reports/bench/log.json. The log goes into SQLite, or into the
database of `DATABASE_URL`. A ratio is the median of each round's own.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.contenders import Contender, ours
from benchmarks.customers import MODEL, Customers, held_out
from benchmarks.medians import median
from benchmarks.serve import Turn
from churn.files import write_json

RESULT = Path("reports/bench/log.json")
WITH, WITHOUT = "with the log", "without"
CONNECTIONS, RATE = 64, 500


def contender(name: str, folder: Path, *, enabled: bool) -> Contender:
    """Our server in a folder of its own, whose params.yaml says whether there is a log."""
    parameters = YAML(typ="safe").load(Path("params.yaml"))
    parameters["serve"]["log"]["enabled"] = enabled
    folder.mkdir()
    YAML().dump(parameters, folder / "params.yaml")
    plain = ours(MODEL.absolute())

    def command(port: int) -> list[str]:
        return ["env", "-C", str(folder), *plain.command(port)]

    environment = {**plain.environment, "PYTHONPATH": str(Path.cwd())}
    return dataclasses.replace(plain, name=name, command=command, environment=environment)


def figures(one: Contender, customers: Customers, folder: Path, seconds: int) -> dict[str, Any]:
    """One server's turn."""
    with one.start(folder / "log") as server:
        turn = Turn(one, server, customers, seconds)
        turn.started()
        turn.check()
        server.settle()
        steady = turn.open(RATE)
        return {"steady": steady, "full": turn.closed(turn.singles, CONNECTIONS)}


def measured(rounds: int, seconds: int) -> dict[str, Any]:
    """All rounds, each begun by the other server."""
    customers, found = held_out(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        servers = [
            contender(WITH, folder / "with", enabled=True),
            contender(WITHOUT, folder / "without", enabled=False),
        ]
        for i in range(rounds):
            print(f"round {i + 1} of {rounds}", flush=True)
            order = servers if i % 2 else servers[::-1]
            found.append({one.name: figures(one, customers, folder, seconds) for one in order})
    return {
        "settings": {"rounds": rounds, "seconds": seconds, "rate": RATE},
        "database": os.environ.get("DATABASE_URL", "sqlite").partition(":")[0],
        "servers": median(found),
        "ratios": {
            "p99": _ratio(found, "steady", "p99_ms"),
            "p50": _ratio(found, "steady", "p50_ms"),
            "throughput": _ratio(found, "full", "requests_per_second"),
        },
    }


def _ratio(found: list[dict[str, Any]], load: str, figure: str) -> float:
    each = [one[WITH][load][figure] / one[WITHOUT][load][figure] for one in found]
    return round(statistics.median(each), 3)


def main() -> None:
    """Measure, print, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--seconds", type=int, default=4, help="that each load lasts")
    given = arguments.parse_args()
    result = measured(given.rounds, given.seconds)
    write_json(RESULT, result)
    ratios = result["ratios"]
    print(
        f"with the log, at {RATE} requests/s: p99 × {ratios['p99']}, p50 × {ratios['p50']}; "
        f"at {CONNECTIONS} connections: requests/s × {ratios['throughput']}"
    )


if __name__ == "__main__":
    main()
