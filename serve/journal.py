"""The journal: one process's part in the prediction log.

What was answered is kept in memory for a moment and then written to the spool in one go: a write
for each answer would take as long as the prediction.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence

from serve.exchanges import Exchange, packed
from serve.log_metrics import JournalMetrics
from serve.spool import Spool

# Kept in memory while the spool cannot be written; what comes then is lost, and counted.
MOST_BYTES = 32 * 1024 * 1024


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
        self._kept: list[Exchange] = []
        self._rows = self._bytes = 0
        self._ending = asyncio.Event()
        self._failure: str | None = None

    def add(self, exchange: Exchange, rows: int) -> None:
        """Keep an exchange about so many customers."""
        size = len(exchange.asked) + len(exchange.answered)
        if self._bytes + size > MOST_BYTES:
            self._metrics.lost(rows, self._failure or "queue_full")
            return
        self._kept.append(exchange)
        self._rows += rows
        self._bytes += size

    async def run(self) -> None:
        """Write to the spool again and again, until `end`; what cannot be written then is lost."""
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._interval)
            await self._flush()
        if self._rows:
            self._metrics.lost(self._rows, self._failure or "disk")
        self._spool.close()

    def end(self) -> None:
        """Have `run` write the rest and end."""
        self._ending.set()

    async def _flush(self) -> None:
        """Write what is kept; if that fails, it is kept on."""
        self._metrics.queued(self._rows)
        if not self._kept:
            return
        kept, rows, size = self._kept, self._rows, self._bytes
        self._kept, self._rows, self._bytes = [], 0, 0
        self._failure = await asyncio.to_thread(self._written, kept, rows)
        if self._failure:
            self._kept = [*kept, *self._kept]
            self._rows += rows
            self._bytes += size

    def _written(self, kept: Sequence[Exchange], rows: int) -> str | None:
        """Write; why it failed, if it did."""
        content = packed(kept)
        try:
            self._spool.put(content, rows)
        except sqlite3.Error as error:
            is_full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
            return "spool_full" if is_full and not self._spool.has_room(len(content)) else "disk"
        return None
