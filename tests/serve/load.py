"""Clients that send requests one after the other, many at once, until they are told to stop."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.serve.running import Reply, asked
from tests.waiting import until

PAUSE_SECONDS = 0.1
Question = tuple[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request: when it was sent (seconds of the monotonic clock), how long its end took.

    Attributes:
        sent: when.
        seconds: until the answer, or the failure.
        number: of the question.
        reply: what came back; None if the connection broke.
    """

    sent: float
    seconds: float
    number: int
    reply: Reply | None


@dataclass
class Load:
    """What the clients have met with so far."""

    found: list[Asked] = field(default_factory=list)

    def statuses(self, since: float = 0) -> Counter[int]:
        """Requests sent since then by status of their answer, 0 for a broken connection."""
        sent = [one for one in [*self.found] if one.sent >= since]
        return Counter(one.reply.status if one.reply else 0 for one in sent)

    def slowest(self, since: float = 0) -> float:
        """Seconds of the request that took longest of those sent since then."""
        return max(one.seconds for one in [*self.found] if one.sent >= since)

    def wait_for(self, more: int) -> None:
        """Wait until so many more requests have ended."""
        enough = len(self.found) + more
        until(lambda: len(self.found) >= enough, f"{more} more requests")


@contextmanager
def load(
    port: int,
    question: Callable[[int], Question],
    *,
    clients: int = 4,
    seconds: float = 30,
    keep_alive: bool = True,
    per_second: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Load]:
    """POST until the block ends.

    Args:
        port: of the server.
        question: path and body of a request, by its number.
        clients: at once.
        seconds: that a client waits for an answer.
        keep_alive: whether a client uses its connection again.
        per_second: requests of all clients; as many as they can if none is given.
        headers: of every request.
    """
    found, stop, numbers = Load(), threading.Event(), iter(range(10**9))
    lock, begun = threading.Lock(), time.monotonic()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
        while not stop.is_set():
            with lock:
                number = next(numbers)
            path, body = question(number)
            if per_second and stop.wait(begun + number / per_second - time.monotonic()):
                break
            sent = time.monotonic()
            try:
                reply = asked(connection, "POST", path, body, headers)
            except (OSError, http.client.HTTPException):
                reply = None
            found.found.append(Asked(sent, time.monotonic() - sent, number, reply))
            if reply is None or not keep_alive:
                connection.close()
            if reply is None or reply.status == 503:
                # As Retry-After asks for: else the clients take the time that recovery needs.
                stop.wait(PAUSE_SECONDS)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for one in threads:
        one.start()
    try:
        yield found
    finally:
        stop.set()
        for one in threads:
            one.join()
