"""Requests at a steady rate, whatever the server does (an open loop), and how long they took.

Each request has its time, fixed in advance, and its latency counts from then on: a server that
stalls is charged with every request that became due meanwhile, not only with the one it stalled on
(Tene, "How NOT to measure latency", 2013: coordinated omission).
"""

from __future__ import annotations

import itertools
import math
import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

# Microseconds of a sleep are kept by select(); asyncio and epoll wait whole milliseconds.
HEAD_END = b"\r\n\r\n"
START_DELAY = 0.01


@dataclass
class Steady:
    """What became of the requests of one run.

    Attributes:
        latencies: seconds from the time of the request to the end of its answer, as they came.
        failed: answers with another status than 200.
        unanswered: requests without an answer when patience ended.
    """

    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    unanswered: int = 0

    def percentile(self, share: float) -> float:
        """Seconds within which `share` % of all requests were answered; infinity if never."""
        return percentile(self.latencies + [math.inf] * self.unanswered, share)


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that `share` % of them (0 < share ≤ 100) do not exceed.

    The nearest rank, as wrk has it: no value is invented between two.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[math.ceil(share / 100 * len(values)) - 1]


class _Connection:
    """One kept-alive connection, with at most one request under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._received = b""

    def fileno(self) -> int:
        """For select()."""
        return self.socket.fileno()

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at `due`."""
        self.due = due
        self.socket.sendall(request)

    def status(self) -> bytes | None:
        """Read what is there; the answer's status once it is whole.

        Raises:
            ConnectionError: the server closed the connection.
        """
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed a connection")
        self._received += part
        end = self._received.find(HEAD_END)
        if end < 0 or len(self._received) < end + len(HEAD_END) + self._length(end):
            return None
        status = self._received[9:12]
        self._received = b""
        return status

    def _length(self, end: int) -> int:
        _, _, value = self._received[:end].lower().partition(b"content-length:")
        return int(value.split(b"\r\n")[0])


def steady(
    address: tuple[str, int],
    requests: Sequence[bytes],
    rate: float,
    seconds: float,
    *,
    connections: int = 16,
    patience: float = 2,
) -> Steady:
    """Send `rate` requests a second, evenly spaced, cycling over whole HTTP/1.1 requests.

    A request that is due while every connection is under way waits for the first that is free.

    Args:
        address: host and port.
        requests: as bytes, head and body.
        rate: a second.
        seconds: how long requests become due.
        connections: opened in advance and used in turn.
        patience: seconds after the last request was due for which answers are waited for.
    Raises:
        ConnectionError: the server closed a connection.
    """
    with ExitStack() as stack:
        idle = deque(_Connection(address) for _ in range(connections))
        for one in idle:
            stack.enter_context(one.socket)
        first = time.perf_counter() + START_DELAY
        times = deque(first + i / rate for i in range(round(rate * seconds)))
        return _run(idle, times, itertools.cycle(requests), times[-1] + patience)


def _run(
    idle: deque[_Connection], times: deque[float], requests: Iterator[bytes], end: float
) -> Steady:
    result = Steady()
    busy: set[_Connection] = set()
    while times or busy:
        now = time.perf_counter()
        while idle and times and times[0] <= now:
            connection = idle.popleft()
            connection.send(next(requests), times.popleft())
            busy.add(connection)
        # Without a free connection the next request waits for an answer, not for its time.
        wake = times[0] if idle and times else end
        if (remaining := end - now) <= 0:
            break
        ready, _, _ = select.select(busy, (), (), max(0, min(wake - now, remaining)))
        for connection in ready:
            if (status := connection.status()) is not None:
                result.latencies.append(time.perf_counter() - connection.due)
                result.failed += status != b"200"
                busy.remove(connection)
                idle.append(connection)
    result.unanswered = len(times) + len(busy)
    return result
