"""The journal: one process's part in the prediction log.

What was answered is kept in memory for a moment and then written to the spool in one go: a write
for each answer would take as long as the prediction.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections import deque
from dataclasses import dataclass, field

from serve.exchanges import Exchange, pack
from serve.log_metrics import JournalMetrics
from serve.spool import Spool

# Kept in memory while the disk takes nothing; what comes then is lost, and counted.
MOST_BYTES = 32 * 1024 * 1024
# So much is written at once, without waiting for the time to come.
FLUSH_BYTES = 1024 * 1024
# A packet that has so many takes no more: a spool with little room left takes small ones.
PACKET_BYTES = 256 * 1024
logger = logging.getLogger("churn.journal")


@dataclass(slots=True)
class _Packet:
    """Exchanges of so many customers, as bytes: as objects they would take twice the memory."""

    content: bytearray = field(default_factory=bytearray)
    rows: int = 0


class Journal:
    """Keeps what one process has answered; used in its event loop.

    Args:
        spool: to write to.
        flush_ms: within so many milliseconds of the answer.
        metrics: of this process.
    """

    def __init__(self, spool: Spool, flush_ms: int, metrics: JournalMetrics) -> None:
        self._spool = spool
        # Half of it, since writing takes its time too.
        self._interval = flush_ms / 2000
        self._metrics = metrics
        self._kept: deque[_Packet] = deque()
        self._bytes = 0
        self._due = asyncio.Event()
        self._is_ending = self._has_ended = False
        self._failure: str | None = None

    def add(self, exchange: Exchange, rows: int) -> None:
        """Keep an exchange about so many customers."""
        size = len(exchange.asked) + len(exchange.answered)
        if self._bytes + size > MOST_BYTES:
            self._metrics.lost(rows, self._failure or "queue_full")
            return
        if not self._kept or len(self._kept[-1].content) >= PACKET_BYTES:
            self._kept.append(_Packet())
        last = self._kept[-1]
        pack(exchange, last.content)
        last.rows += rows
        self._bytes += size
        if self._has_ended:
            self._write_rest()
        elif self._bytes >= FLUSH_BYTES and not self._failure:
            self._due.set()

    async def run(self) -> None:
        """Write to the spool again and again, until `end`; what cannot be written then is lost.

        A request may be answered even later: that is written at once.
        """
        while not self._is_ending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._interval)
            self._due.clear()
            await self._flush()
        self._has_ended = True
        self._write_rest()

    def end(self) -> None:
        """Have `run` write the rest and end."""
        self._is_ending = True
        self._due.set()

    @property
    def _rows(self) -> int:
        return sum(one.rows for one in self._kept)

    async def _flush(self) -> None:
        """Write what is kept; what the disk does not take is kept on."""
        self._metrics.queued(self._rows)
        if not self._kept:
            return
        writing, self._kept = self._kept, deque()
        self._failure = await asyncio.to_thread(self._write, writing)
        if self._failure == "spool_full":
            # Memory is for a disk that fails for a moment: how much may wait, the limit says.
            self._metrics.lost(sum(one.rows for one in writing), self._failure)
            writing.clear()
        self._kept = writing + self._kept
        self._bytes = sum(len(one.content) for one in self._kept)

    def _write_rest(self) -> None:
        if why := self._write(self._kept):
            logger.error("%d predictions are in no log: the spool took none (%s)", self._rows, why)
            self._metrics.lost(self._rows, why)
        self._kept.clear()
        self._bytes = 0

    def _write(self, packets: deque[_Packet]) -> str | None:
        """Write packets, the oldest first; those that are written are removed.

        Returns:
            Why one could not be written.
        """
        while packets:
            content = packets[0].content
            try:
                self._spool.put(content, packets[0].rows)
            except sqlite3.Error as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                    return "disk"
                return "disk" if self._spool.has_room(len(content)) else "spool_full"
            packets.popleft()
        return None
