"""A server's turn: it must run, answer right, and be gone afterwards with all its processes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.contenders import Call, Contender
from benchmarks.customers import Customers
from benchmarks.processes import Server
from benchmarks.serve import CHECKED, Turn

# Says twice the customer's age; a child of its own does nothing, and ignores that it should end.
SERVER = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        age = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["age"]
        said = json.dumps(2 * age).encode()
        self.send_response(200 if age < 50 else 503)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def twice(program: str) -> Contender:
    return Contender(
        "twice",
        lambda port: [sys.executable, "-c", program, str(port)],
        Call("/predict", lambda rows: rows[0], lambda said: [said]),
    )


@contextmanager
def turn(
    ages: list[int], expected: list[float], log: Path, program: str = SERVER
) -> Iterator[Turn]:
    contender = twice(program)
    customers = Customers([{"age": age} for age in ages], expected)
    with contender.start(log) as server:
        yield Turn(contender, server, customers, seconds=1)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_right_answers_pass(log: Path):
    with turn([1, 2, 3], [2, 4, 6], log) as one:
        assert one.started() > 0
        one.check()


def test_another_answer_than_the_scorers_is_refused(log: Path):
    with turn([1, 2, 3], [2, 4, 6.00001], log) as one:
        one.started()
        with pytest.raises(RuntimeError, match=r"/predict says 6 where the scorer says 6\.00001"):
            one.check()


def test_a_refused_request_in_the_steady_load_ends_the_run(log: Path):
    with turn([1] * CHECKED + [50], [2] * CHECKED + [100], log) as one:
        one.started()
        with pytest.raises(RuntimeError, match=r"\d+ failed and 100 answered"):
            one.open(100)


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_a_refused_request_under_wrk_ends_the_run(log: Path):
    with turn([1] * CHECKED + [50], [2] * CHECKED + [100], log) as one:
        one.started()
        with pytest.raises(RuntimeError, match=r"[1-9]\d* failed and \d+ answered"):
            one.closed(one.singles, 2)


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_wrk_finds_as_many_answers_as_the_server_gives(log: Path):
    with turn([1, 2, 3], [2, 4, 6], log) as one:
        one.started()
        found = one.closed(one.singles, 2)
    assert found["requests_per_second"] > 0
    assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
    assert found["cpu_ms_per_request"] > 0


def test_a_server_that_does_not_start_tells_why(log: Path):
    with (
        turn([1], [2], log, "raise SystemExit('no model is there')") as one,
        pytest.raises(RuntimeError, match="the server ended with 1\nno model is there"),
    ):
        one.started()


def test_all_processes_are_counted_and_ended(log: Path):
    with turn([1], [2], log) as one:
        one.started()
        server: Server = one.server
        family = server.family()
        assert len(family) == 2
        assert server.megabytes() > 5
        assert server.cpu_seconds() > 0
    assert [pid for pid in family if is_running(pid)] == []


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
