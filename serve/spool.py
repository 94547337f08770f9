"""The spool: a file of this machine in which predictions wait for the database.

SQLite in WAL mode: what was written outlives a killed process, several processes may write at once,
and a reader keeps no writer waiting.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS packets (
  number INTEGER PRIMARY KEY AUTOINCREMENT, rows INTEGER NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rejected (
  number INTEGER PRIMARY KEY, reason TEXT NOT NULL, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS counted (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER);
INSERT OR IGNORE INTO counted VALUES (1, 0);
"""
# Until another process has written what it is writing.
BUSY_SECONDS = 5.0


class LogPlace(NamedTuple):
    """Where predictions are kept.

    Attributes:
        spool: path of the spool's file.
        url: of the database.
    """

    spool: Path
    url: str


class Packet(NamedTuple):
    """What one process kept in one go.

    Attributes:
        number: rises from packet to packet.
        rows: customers in it.
        content: exchanges, packed.
    """

    number: int
    rows: int
    content: bytes


class Spool:
    """One process's access to the file.

    Args:
        path: of the file.
        most_bytes: that it may take.
    Raises:
        sqlite3.Error: of this and every method: the file cannot be read or written.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; only a machine that loses its power may lose the last.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)
        self._page = self._value("PRAGMA page_size")
        self._connection.execute(f"PRAGMA max_page_count = {max(most_bytes // self._page, 16)}")

    def put(self, content: bytes | bytearray, rows: int) -> None:
        """Keep a packet."""
        self._connection.execute(
            "INSERT INTO packets (rows, content) VALUES (?, ?)", (rows, content)
        )

    def oldest(self, most: int, after: int = 0) -> list[Packet]:
        """The first packets behind that of number `after`: as many as hold `most` rows, or one."""
        found: list[Packet] = []
        rows = 0
        cursor = self._connection.execute(
            "SELECT number, rows, content FROM packets WHERE number > ? ORDER BY number", (after,)
        )
        for one in map(Packet._make, cursor):
            found.append(one)
            rows += one.rows
            if rows >= most:
                break
        cursor.close()
        return found

    def remove(self, numbers: Iterable[int]) -> None:
        """Forget packets."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "DELETE FROM packets WHERE number = ?", [(one,) for one in numbers]
            )

    def reject(self, packet: Packet, reason: str) -> None:
        """Put aside, for a person to look at, what the database does not take."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute(
                "INSERT OR REPLACE INTO rejected VALUES (?, ?, ?)",
                (packet.number, reason, packet.content),
            )
            self._connection.execute("DELETE FROM packets WHERE number = ?", (packet.number,))

    @property
    def counted(self) -> int:
        """Number of the last packet that the metrics have counted."""
        return self._value("SELECT number FROM counted")

    @counted.setter
    def counted(self, number: int) -> None:
        self._connection.execute("UPDATE counted SET number = ?", (number,))

    @property
    def rows(self) -> int:
        """Customers that wait."""
        return self._value("SELECT COALESCE(SUM(rows), 0) FROM packets")

    @property
    def bytes(self) -> int:
        """That are taken up."""
        pages = self._value("PRAGMA page_count") - self._value("PRAGMA freelist_count")
        return pages * self._page

    def has_room(self, size: int) -> bool:
        """Whether its limit, as against the disk, leaves room for so many bytes."""
        # A page in twenty for what SQLite itself keeps.
        return self.bytes + size + self._most_bytes // 20 < self._most_bytes

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _value(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])
