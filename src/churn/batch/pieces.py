"""Customers of one file or several, piece by piece, from any piece on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from churn.contract import Contract
from churn.reading.files import opened
from churn.reading.places import File
from churn.reading.wanted import for_scoring


@dataclass(frozen=True)
class Position:
    """How far an input has been read: rows in all, files that are done, rows of the next one."""

    rows: int = 0
    file: int = 0
    row: int = 0


@dataclass(frozen=True)
class Piece:
    """Some rows of the input.

    Attributes:
        begin, end: where they begin and end.
        table: the contract's columns, as the file has them.
        share: of the input's bytes that are read by now.
    """

    begin: Position
    end: Position
    table: pa.Table
    share: float


class FileRows:
    """Customers of one file or several.

    Attributes:
        count: how many there are; None if only reading tells.

    Raises:
        ChurnError: one of the classes for reading, or `ColumnsMissing`.
    """

    def __init__(self, files: Sequence[File], contract: Contract) -> None:
        self._files = [opened(one, for_scoring(contract)) for one in files]
        counts = [one.count for one in self._files]
        self.count = None if None in counts else sum(one or 0 for one in counts)

    def pieces(self, begin: Position) -> Iterator[Piece]:
        """The rows from a position on that has been the end of a piece, or from the first."""
        for number in range(begin.file, len(self._files)):
            begin = begin if begin.file == number else Position(begin.rows, number)
            for table, share in self._files[number].tables(begin.row):
                rows = table.num_rows
                end = Position(begin.rows + rows, number, begin.row + rows)
                yield Piece(begin, end, table, (number + share) / len(self._files))
                begin = end
