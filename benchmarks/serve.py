"""`make bench-serve`: the server beside others on one machine, into reports/bench/serve.json.

Turn and turn about, one server at a time: it is started, must give the scorer's probabilities, and
then gets the same loads as the others, its cores shared with the generator. A figure is the median
over the rounds, a ratio the median of each round's own. A failed request ends the run.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import json
import os
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import wrk
from benchmarks.contenders import Call, Contender, contenders
from benchmarks.customers import Customers, held_out
from benchmarks.load import Steady, steady
from benchmarks.medians import median, ratios
from benchmarks.processes import Server, cores_at_work
from benchmarks.serve_table import table
from churn.errors import ChurnError
from churn.files import write_json

RESULT = Path("reports/bench/serve.json")
CONNECTIONS, BATCH_CONNECTIONS, RATES = (1, 16, 64, 256), (1, 4), (100, 500)
SINGLES, BATCHES, BATCH_ROWS, CHECKED = 400, 4, 1000, 25
# Single requests a second while batches run on so many connections.
BESIDE_RATE, BESIDE_CONNECTIONS = 100, 2
START_LIMIT, POLL = 60, 0.01


class Turn:
    """One server's turn in a round: it runs, and is measured.

    Raises:
        RuntimeError: an answer is wrong, a request failed, or the server ended.
    """

    def __init__(
        self, contender: Contender, server: Server, customers: Customers, seconds: int
    ) -> None:
        self.contender, self.server = contender, server
        self.customers, self.seconds = customers, seconds
        picked = customers.some(0, SINGLES).rows
        self.singles = [contender.request(contender.one, [one]) for one in picked]

    def figures(self) -> dict[str, Any]:
        """Everything that is measured."""
        start_seconds = self.started()
        self.check()
        self.server.settle()
        rest = self.server.megabytes()
        figures = {
            "start_seconds": round(start_seconds, 2),
            "processes": len(self.server.family()),
            "closed": {str(n): self.closed(self.singles, n) for n in CONNECTIONS},
            "open": {str(rate): self.open(rate) for rate in RATES},
            "batch": {name: self.batch(call) for name, call in self.contender.batches.items()},
            "megabytes": {"rest": round(rest, 1), "loaded": round(self.server.megabytes(), 1)},
        }
        self.check()
        return figures

    def started(self) -> float:
        """Seconds from the start of the program to the first prediction."""
        last: Exception | None = None
        while time.perf_counter() - self.server.began < START_LIMIT:
            try:
                self.ask(self.contender.one, self.customers.some(0, 1))
            except (OSError, http.client.HTTPException, RuntimeError) as error:
                last = error
                self.server.must_run()
                time.sleep(POLL)
            else:
                return time.perf_counter() - self.server.began
        raise RuntimeError(f"no prediction within {START_LIMIT} s: {last}\n{self.server.said()}")

    def ask(self, call: Call, customers: Customers) -> list[float]:
        """Probabilities of customers, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=START_LIMIT)
        headers = {"Content-Type": "application/json", **self.contender.headers}
        try:
            connection.request("POST", call.path, json.dumps(call.body(customers.rows)), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}: {text[:500]}")
        return call.probabilities(json.loads(text))

    def check(self) -> None:
        """Hold answers against the scorer: other answers are not worth measuring."""
        for i in range(CHECKED):
            self._compare(self.contender.one, self.customers.some(i, 1))
        for call in self.contender.batches.values():
            self._compare(call, self.customers.some(0, BATCH_ROWS))

    def _compare(self, call: Call, customers: Customers) -> None:
        found = self.ask(call, customers)
        for one, expected in zip(found, customers.probabilities, strict=True):
            if abs(one - expected) > self.contender.tolerance:
                raise RuntimeError(f"{call.path} says {one!r} where the scorer says {expected!r}")

    def closed(self, requests: Sequence[bytes], connections: int) -> dict[str, float]:
        """As many requests as the server takes."""
        before = self.server.cpu_seconds()
        found = wrk.closed(self.server.port, requests, connections, self.seconds)
        cpu = self.server.cpu_seconds() - before
        self._must_be_answered(found.requests, found.errors)
        # What is under way when wrk leaves is worked off before the next load.
        self.server.settle()
        return {
            "requests_per_second": round(found.requests / found.seconds, 1),
            "p50_ms": found.p50,
            "p95_ms": found.p95,
            "p99_ms": found.p99,
            "cpu_ms_per_request": round(cpu / found.requests * 1000, 4),
        }

    def open(self, rate: int) -> dict[str, float | None]:
        """A steady rate; a percentile is None where requests were still unanswered at the end."""
        before = self.server.cpu_seconds()
        found = steady(self._address, self.singles, rate, self.seconds)
        cpu = self.server.cpu_seconds() - before
        answered = len(found.latencies)
        self._must_be_answered(answered, found.failed)
        self.server.settle()
        return {
            "answered": round(answered / (answered + found.unanswered), 4),
            **_percentiles(found),
            "cpu_ms_per_request": round(cpu / answered * 1000, 4),
        }

    def batch(self, call: Call) -> dict[str, Any]:
        """Batches alone, and single requests beside them."""
        batches = [self.customers.some(i * BATCH_ROWS, BATCH_ROWS) for i in range(BATCHES)]
        requests = [self.contender.request(call, batch.rows) for batch in batches]
        rows = {}
        for n in BATCH_CONNECTIONS:
            found = self.closed(requests, n)
            rows[str(n)] = round(found["requests_per_second"] * BATCH_ROWS)
        return {"rows_per_second": rows, "singles_beside": self._beside(requests)}

    def _beside(self, batches: Sequence[bytes]) -> dict[str, float | None]:
        port = self.server.port
        with wrk.running(port, batches, BESIDE_CONNECTIONS, self.seconds + 2) as process:
            time.sleep(1)
            found = steady(self._address, self.singles, BESIDE_RATE, self.seconds, connections=1)
            beside = wrk.finished(process)
        self._must_be_answered(len(found.latencies), found.failed)
        self._must_be_answered(beside.requests, beside.errors)
        self.server.settle()
        return _percentiles(found)

    @property
    def _address(self) -> tuple[str, int]:
        return "127.0.0.1", self.server.port

    def _must_be_answered(self, answered: int, errors: int) -> None:
        if errors or not answered:
            raise RuntimeError(f"{errors} failed and {answered} answered\n{self.server.said()}")


def _percentiles(found: Steady) -> dict[str, float | None]:
    seconds = {f"p{share}_ms": found.percentile(share) for share in (50, 95, 99)}
    return {k: round(v * 1000, 3) if v < float("inf") else None for k, v in seconds.items()}


def measured(rounds: int, seconds: int, make: Callable[[Path], list[Contender]]) -> dict[str, Any]:
    """All rounds; each begins with the next of the servers."""
    customers = held_out()
    found: list[dict[str, Any]] = []
    others: list[float] = []
    with tempfile.TemporaryDirectory() as temporary:
        servers = make(Path(temporary))
        for i in range(rounds):
            turns = {}
            for contender in servers[i % len(servers) :] + servers[: i % len(servers)]:
                print(f"round {i + 1} of {rounds}: {contender.name}", flush=True)
                others.append(cores_at_work())
                with contender.start(Path(temporary) / "log") as server:
                    turns[contender.name] = Turn(contender, server, customers, seconds).figures()
            found.append({one.name: turns[one.name] for one in servers})
    return {
        "machine": {
            "cores": os.cpu_count(),
            "cores_taken_by_others": round(statistics.mean(others), 2),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in ("litserve", "fastapi", "uvicorn", "mlflow")},
        "settings": {"rounds": rounds, "seconds": seconds, "batch_rows": BATCH_ROWS},
        "servers": median(found),
        "ratios": ratios(found),
    }


def main() -> None:
    """Measure, print, write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=int, default=2, help="that each load lasts")
    given = arguments.parse_args()
    if not shutil.which("wrk"):
        sys.exit("error: wrk is not there. Install it: sudo apt-get install wrk")
    # Told to end, it ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: stopped"))
    # What is loaded by now is not looked through again while latencies are taken.
    gc.collect()
    gc.freeze()
    try:
        result = measured(given.rounds, given.seconds, contenders)
    except ChurnError as error:
        sys.exit(f"error: {error}")
    write_json(RESULT, result)
    print(table(result))


if __name__ == "__main__":
    main()
