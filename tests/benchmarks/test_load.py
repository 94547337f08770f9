"""The open loop: every request has its time, and its latency counts from then, answered or not."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import percentile, steady

OK, BODIES = 200, (b"one", b"two", b"three")
# From the number of the request, counted from 0, and its body to the status of the answer.
Answer = Callable[[int, bytes], int]


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, int]]:
    """A real server on a free port; its address."""
    lock, count = threading.Lock(), iter(range(10**6))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                number = next(count)
            status = answer(number, body)
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def request(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


REQUESTS = [request(body) for body in BODIES]


def test_every_request_is_sent_in_turn_and_answered():
    seen: list[bytes] = []

    def answer(number: int, body: bytes) -> int:
        seen.append(body)
        return OK

    with serving(answer) as address:
        found = steady(address, REQUESTS, 200, 0.2, connections=1)
    assert seen == [BODIES[i % 3] for i in range(40)]
    assert len(found.latencies) == 40
    assert (found.failed, found.unanswered) == (0, 0)
    assert 0 < found.percentile(50) <= found.percentile(99) < math.inf


def test_a_stall_is_charged_to_every_request_that_became_due_meanwhile():
    # Given a server that keeps the first request waiting,
    def answer(number: int, body: bytes) -> int:
        if number == 0:
            threading.Event().wait(0.3)
        return OK

    # when ten more become due meanwhile, and there is no other connection,
    with serving(answer) as address:
        found = steady(address, REQUESTS, 50, 0.22, connections=1)
    # then each is answered late, by less the later it was due.
    assert len(found.latencies) == 11
    assert found.latencies == sorted(found.latencies, reverse=True)
    assert found.latencies[5] > found.latencies[10] > 0


def test_with_another_connection_a_stall_holds_up_nobody_else():
    release = threading.Event()

    def answer(number: int, body: bytes) -> int:
        if number == 0:
            release.wait(10)
        elif number == 19:
            release.set()
        return OK

    with serving(answer) as address:
        found = steady(address, REQUESTS, 200, 0.1, connections=2)
    assert found.unanswered == 0
    assert max(found.latencies) > percentile(found.latencies, 90)


def test_other_statuses_are_counted():
    with serving(lambda number, body: 503 if number % 4 == 0 else OK) as address:
        found = steady(address, REQUESTS, 200, 0.1)
    assert (len(found.latencies), found.failed) == (20, 5)


def test_a_server_that_never_answers_does_not_keep_us_and_has_no_latency():
    release = threading.Event()

    def answer(number: int, body: bytes) -> int:
        if number >= 15:
            release.wait(10)
        return OK

    with serving(answer) as address:
        found = steady(address, REQUESTS, 200, 0.1, connections=1, patience=0.1)
        release.set()
    assert (len(found.latencies), found.unanswered) == (15, 5)
    assert found.percentile(75) < math.inf
    assert found.percentile(76) == math.inf


def test_a_closed_connection_is_an_error():
    with (
        serving(lambda number, body: OK if number < 3 else 0) as address,
        pytest.raises(ConnectionError, match=r"closed a connection|reset by peer"),
    ):
        steady(address, REQUESTS, 200, 0.1, connections=1)


VALUES = st.lists(st.floats(min_value=0, allow_nan=False), min_size=1)


@given(VALUES, st.floats(min_value=0.1, max_value=100))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(values, share):
    found = percentile(values, share)
    enough = share / 100 * len(values)
    assert found in values
    assert sum(value <= found for value in values) >= enough
    assert sum(value < found for value in values) < enough


@pytest.mark.parametrize(
    ("share", "expected"), [(1, 1), (50, 50), (95, 95), (99, 99), (99.5, 100), (100, 100)]
)
def test_percentiles_of_a_hundred(share, expected):
    assert percentile([*range(100, 0, -1)], share) == expected


def test_no_values_have_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
