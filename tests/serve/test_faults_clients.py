"""What the server survives from its clients, the slow, the vanished, the many; see test_faults."""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.serve.conftest import Customers, Model, Serving
from tests.serve.load import load
from tests.serve.raw import answered, vanish
from tests.serve.running import Running
from tests.serve.test_api import SHORT
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.faults
ONE = json.dumps(SHORT).encode()
HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
REQUEST = HEAD + b"Content-Length: %d\r\n\r\n" % len(ONE) + ONE
CONNECTIONS = 1000
FIRST_REQUESTS, ALL_REQUESTS = 100_000, 1_000_000
GROWTH = 0.05
# A client sends so many requests before it reads their answers, on so many connections.
PIPELINED, CLIENTS = 50, 32
MARK = b'"model_version"'


def connected(server: Running) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def held(server: Running) -> list[tuple[int, str]]:
    """Connections of clients that the server's processes hold: process and state."""
    of_each = [(pid, psutil.Process(pid).net_connections("tcp")) for pid in server.apis()]
    return [
        (pid, one.status)
        for pid, found in of_each
        for one in found
        if one.laddr.port == server.port and one.raddr
    ]


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may hold as many connections as the test needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * CONNECTIONS), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_who_never_ends_a_request_leaves_the_server_time_for_its_log(
    serving: Serving, telco: Model
):
    server = serving(telco)
    with contextlib.closing(connected(server)) as connection:
        connection.sendall(REQUEST[:-10])
        until(lambda: held(server), "the connection is held")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0

    # It was waited for as long as requests in flight are, and the process ended by itself then.
    assert "timeout graceful shutdown exceeded" in server.log()
    assert "killing" not in server.log()


def test_clients_vanish(serving: Serving, telco: Model, customers: Customers):
    server = serving(telco)
    batch = json.dumps(customers.some(5000).requests).encode()
    path = HEAD.replace(b"/predict", b"/predict/batch")
    large = path + b"Content-Length: %d\r\n\r\n" % len(batch) + batch
    cut = [REQUEST[:10], REQUEST[:-10], REQUEST, large[:100_000], large]

    with load(server.port, lambda _: ("/predict", ONE), clients=2) as found:
        for i in range(300):
            connection = connected(server)
            connection.sendall(cut[i % len(cut)] if i < 60 else cut[i % 3])
            vanish(connection)
        found.wait_for(100)

    assert found.statuses().keys() == {200}
    until(lambda: not held(server), "connections are given up")
    assert server.post("/predict/batch", batch).status == 200
    assert not server.lines(level="error")


def drip(connection: socket.socket, data: bytes, stop: threading.Event) -> None:
    """Send a byte a second."""
    with contextlib.suppress(OSError):
        for i in range(len(data)):
            connection.sendall(data[i : i + 1])
            if stop.wait(1):
                return


@pytest.mark.parametrize(
    ("at_once", "slowly", "code", "seconds"),
    [
        (b"", REQUEST, "head_too_slow", 10),
        (b"GET /health HTTP/1.1\r\nX-Long: ", b"a" * 100, "head_too_slow", 10),
        (REQUEST[:-100], REQUEST[-100:], "body_too_slow", 3),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 20, "body_too_slow", 3),
    ],
    ids=["all", "head", "body", "chunks"],
)
def test_clients_send_a_byte_a_second(
    serving: Serving, telco: Model, at_once: bytes, slowly: bytes, code: str, seconds: int
):
    server, stop = serving(telco, deadline=3), threading.Event()
    connections = [connected(server) for _ in range(50)]
    senders = [threading.Thread(target=drip, args=(c, slowly, stop)) for c in connections]

    at = time.monotonic()
    for one, sender in zip(connections, senders, strict=True):
        if at_once:
            one.sendall(at_once)
        sender.start()
    with load(server.port, lambda _: ("/predict", ONE), clients=2) as found:
        replies = [answered(one) for one in connections]
    took = time.monotonic() - at
    stop.set()
    for one, sender in zip(connections, senders, strict=True):
        sender.join()
        one.close()

    assert {one.status for one in replies} == {408}
    assert {one.json["error"] for one in replies} == {code}
    assert seconds <= took < seconds + 3
    assert found.statuses().keys() == {200}


def test_clients_say_nothing_at_all(serving: Serving, telco: Model):
    server = serving(telco)
    connections = [connected(server) for _ in range(20)]

    replies = [answered(one) for one in connections]

    assert {one.status for one in replies} == {408}
    for one in connections:
        assert one.recv(1) == b""
        one.close()


def test_clients_do_not_read_their_answers(
    serving: Serving, telco: Model, customers: Customers, record_property
):
    server = serving(telco)
    batch = json.dumps(customers.some(1000).requests).encode()
    path = HEAD.replace(b"/predict", b"/predict/batch")
    request = path + b"Content-Length: %d\r\n\r\n" % len(batch) + batch
    # What as many clients that do read take is no part of it.
    with load(server.port, lambda _: ("/predict/batch", batch), clients=20) as read:
        read.wait_for(200)
    before = server.memory()
    connections = [connected(server) for _ in range(20)]
    for one in connections:
        one.settimeout(1)
        with contextlib.suppress(OSError):
            one.sendall(request * 50)

    with load(server.port, lambda _: ("/predict", ONE), clients=2) as found:
        found.wait_for(500)
    grown = server.memory() - before
    record_property("megabytes", grown / 1e6)
    for one in connections:
        vanish(one)

    assert found.statuses().keys() == {200}
    # Each holds an answer or two and a few requests, not all of its fifty.
    assert grown < 20 * 16 * len(batch)
    assert server.get("/ready").status == 200


def test_a_thousand_connections_at_once(
    serving: Serving, telco: Model, many_files: None, record_property
):
    server = serving(telco)
    before = server.memory()

    connections = [connected(server) for _ in range(CONNECTIONS)]
    at = time.monotonic()
    for one in connections:
        one.sendall(REQUEST)
    replies = [answered(one) for one in connections]
    record_property("answered after", time.monotonic() - at)
    record_property("megabytes more", (server.memory() - before) / 1e6)
    another = server.post("/predict", SHORT)
    for one in connections:
        one.close()

    assert {one.status for one in replies} == {200}
    assert len({one.json["prediction_id"] for one in replies}) == CONNECTIONS
    assert another.status == 200


def test_a_thousand_connections_to_few_files(serving: Serving, telco: Model, many_files: None):
    """Where a process may open few files, the server raises its own bound as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    server = serving(telco, processes=1)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    connections = [connected(server) for _ in range(CONNECTIONS)]
    for one in connections:
        one.sendall(REQUEST)
    replies = [answered(one) for one in connections]
    for one in connections:
        one.close()

    assert {one.status for one in replies} == {200}
    assert not server.lines(level="error")


def test_more_at_once_than_allowed(serving: Serving, telco: Model):
    server = serving(telco, max_in_flight=4, processes=1)
    waiting = [connected(server) for _ in range(4)]
    for one in waiting:
        one.sendall(REQUEST[:-1])
    counted = until(lambda: server.post("/predict", SHORT).status == 503, "as many as allowed")

    reply = server.post("/predict", SHORT)
    probes = [server.get(path).status for path in ("/health", "/ready", "/metrics")]
    for one in waiting:
        one.sendall(REQUEST[-1:])
    replies = [answered(one) for one in waiting]
    for one in waiting:
        one.close()

    assert counted
    assert (reply.status, reply.json["error"]) == (503, "too_busy")
    assert int(reply.headers["retry-after"]) >= 1
    assert probes == [200, 200, 200]
    assert [one.status for one in replies] == [200] * 4
    assert server.post("/predict", SHORT).status == 200


def pipelined(server: Running, wanted: int) -> None:
    """Send so many requests over one connection, some before the answers of others are read."""
    with connected(server) as connection:
        for _ in range(wanted // PIPELINED):
            connection.sendall(REQUEST * PIPELINED)
            found, tail = 0, b""
            while found < PIPELINED:
                more = connection.recv(1 << 16)
                assert more, "the server has closed"
                found += (tail + more).count(MARK)
                # Too short to be counted again, long enough if the mark is cut in two.
                tail = (tail + more)[1 - len(MARK) :]


def test_a_million_requests(serving: Serving, telco: Model, record_property):
    server = serving(telco, stderr=Path("/dev/null"))
    memory = []
    at = time.monotonic()

    for more in (FIRST_REQUESTS, ALL_REQUESTS - FIRST_REQUESTS):
        clients = [
            threading.Thread(target=pipelined, args=(server, -(-more // CLIENTS)))
            for _ in range(CLIENTS)
        ]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        memory.append(server.memory())

    counted = server.metric('churn_requests_total{endpoint="/predict",status="200"}')
    record_property("seconds", time.monotonic() - at)
    record_property("megabytes", [one / 1e6 for one in memory])
    assert counted >= 0.99 * ALL_REQUESTS
    assert memory[1] < memory[0] * (1 + GROWTH)
