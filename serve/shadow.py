"""The challenger as a shadow: scored elsewhere, compared in the metrics, never in anybody's way.

Requests of the share are kept, as they came, for a moment and handed on together, to a worker of
LitServe's that runs at the lowest priority and scores them with both models. What it cannot keep up
with is left out and counted.
"""

from __future__ import annotations

import asyncio
import math
import random
from typing import Any

from serve.metrics import Metrics

# What is kept for the next handing on, and how many such packets may wait for the worker.
MOST_BYTES, MOST_PACKETS = 4 * 1024 * 1024, 8


class Shadow:
    """Hands requests on from one process.

    Args:
        queue: of LitServe, to the worker.
        share: of the requests.
        metrics: of this process.
    """

    def __init__(self, queue: Any, share: float, metrics: Metrics) -> None:
        self._queue = queue
        self._share = share
        self._metrics = metrics
        self._kept: list[bytes] = []
        self._bytes = 0

    def offer(self, raw: bytes) -> None:
        """Keep the body of a request that was answered, if it falls into the share."""
        # No secret hangs on which requests are compared.
        if random.random() >= self._share:  # noqa: S311
            return
        if self._bytes + len(raw) > MOST_BYTES:
            self._metrics.shadow.dropped(1)
            return
        self._kept.append(raw)
        self._bytes += len(raw)

    async def flush(self) -> None:
        """Hand on what was kept."""
        if not self._kept:
            return
        packet, self._kept, self._bytes = self._kept, [], 0
        if not await asyncio.to_thread(self._put, packet):
            self._metrics.shadow.dropped(len(packet))

    def _put(self, packet: list[bytes]) -> bool:
        if self._queue.qsize() >= MOST_PACKETS:
            return False
        # The worker's answer goes nowhere: no request of that id waits. And it comes from the end
        # of time, since LitServe drops what has waited for longer than a request may.
        self._queue.put((0, "", math.inf, packet))
        return True
