"""Files of customers as a stream of Arrow tables of at most `ROWS` rows.

Where one table ends and the next begins depends on the files alone, so a run that is gone on with
sees the same ones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from churn.batch.places import COMPRESSION, File, reading, said
from churn.contract import CategoryColumn, Contract
from churn.errors import ColumnsMissing, UnreadableFile, UnusableColumn
from churn.tabular import PARSE, csv_header, is_usable, refuse_doubled, refuse_line_breaks

# Enough that Python's share of the work is small, few enough that memory is.
ROWS = 65_536
# Bytes of text that are read at a time; a row that is longer is refused.
BLOCK = 8 * 1024 * 1024
# Bytes of each column of a Parquet file that are fetched at a time.
BUFFER = 1024 * 1024


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
        ChurnError: one of the classes for sources, or `ColumnsMissing`.
    """

    def __init__(self, files: Sequence[File], contract: Contract) -> None:
        self._files = [READERS[one.kind](one, contract) for one in files]
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


class _Csv:
    """A CSV file, as text."""

    count: int | None = None

    def __init__(self, file: File, contract: Contract) -> None:
        self._file = file
        with _told(file):
            names = csv_header(file.address, self._opened)
        self._chosen = chosen(file.address, names, contract)

    def _opened(self) -> pa.NativeFile:
        return _decompressed(self._file, self._file.system.open_input_file(self._file.path))

    def tables(self, skip: int) -> Iterator[tuple[pa.Table, float]]:
        """Tables after the first `skip` rows, and the share of the file that is read by then."""
        size = max(self._file.info.size, 1)
        convert = pa.csv.ConvertOptions(
            column_types=dict.fromkeys(self._chosen, pa.string()),
            include_columns=[*self._chosen],
            strings_can_be_null=False,
        )
        with _told(self._file), self._file.system.open_input_file(self._file.path) as raw:
            batches = pa.csv.open_csv(
                _decompressed(self._file, raw),
                read_options=pa.csv.ReadOptions(block_size=BLOCK),
                parse_options=PARSE,
                convert_options=convert,
            )
            first = skip + 1
            for table in _in_size(batches, skip):
                refuse_line_breaks(self._file.address, table, first)
                first += table.num_rows
                yield table.rename_columns([*self._chosen.values()]), raw.tell() / size


class _Parquet:
    """A Parquet file."""

    def __init__(self, file: File, contract: Contract) -> None:
        self._file = file
        with _told(file), file.system.open_input_file(file.path) as opened:
            self._metadata = pq.read_metadata(opened)
            schema = self._metadata.schema.to_arrow_schema()
        self.count: int | None = self._metadata.num_rows
        self._chosen = chosen(file.address, schema.names, contract)
        for own in self._chosen:
            if not is_usable(kind := schema.field(own).type):
                raise UnusableColumn(file.address, own, str(kind))
        # Words are stored as numbers of a list of them, and are best read so.
        self._words = [
            own
            for own, name in self._chosen.items()
            if isinstance(contract.columns.get(name), CategoryColumn)
            and pa.types.is_string(schema.field(own).type)
        ]

    def tables(self, skip: int) -> Iterator[tuple[pa.Table, float]]:
        """Tables after the first `skip` rows, and the share of the file that is read by then."""
        groups = range(self._metadata.num_row_groups)
        ends = [*accumulate(self._metadata.row_group(i).num_rows for i in groups)]
        first = bisect_right(ends, skip)
        read, total = skip, max(self._metadata.num_rows, 1)
        with _told(self._file), self._file.system.open_input_file(self._file.path) as opened:
            file = pq.ParquetFile(
                opened, read_dictionary=self._words, pre_buffer=False, buffer_size=BUFFER
            )
            batches = file.iter_batches(
                ROWS, row_groups=[*groups[first:]], columns=[*self._chosen], use_threads=False
            )
            for table in _in_size(batches, skip - (ends[first - 1] if first else 0)):
                read += table.num_rows
                yield (
                    table.select([*self._chosen]).rename_columns([*self._chosen.values()]),
                    read / total,
                )


READERS: dict[str, type[_Csv | _Parquet]] = {"csv": _Csv, "parquet": _Parquet}


def chosen(where: str, names: Sequence[str], contract: Contract) -> dict[str, str]:
    """The columns that the model needs: the input's own names, and the contract's.

    Args:
        where: the input is, for the errors.
        names: of the input.
        contract: of the model.
    Raises:
        DoubledColumn: two columns have one name after renaming.
        ColumnsMissing: one is absent. One that is known only after the event need not be there.
    """
    renamed = {name: contract.rename.get(name.strip(), name.strip()) for name in names}
    refuse_doubled(where, [*renamed.values()])
    own = {name: one for one, name in renamed.items()}
    wanted = [*([contract.id] if contract.id else []), *contract.known_columns]
    if missing := [name for name in wanted if name not in own]:
        raise ColumnsMissing(where, contract.name, missing, [*own])
    return {own[name]: name for name in wanted}


def _in_size(batches: Iterable[pa.RecordBatch], skip: int) -> Iterator[pa.Table]:
    """Tables of `ROWS` rows, the last one of what is left, after the first `skip`."""
    waiting: list[pa.Table] = []
    rows = 0
    for batch in batches:
        left_out = min(skip, batch.num_rows)
        skip -= left_out
        waiting.append(pa.Table.from_batches([batch.slice(left_out)]))
        rows += batch.num_rows - left_out
        while rows >= ROWS:
            together = pa.concat_tables(waiting)
            yield together.slice(0, ROWS)
            waiting, rows = [together.slice(ROWS)], rows - ROWS
    if rows:
        yield pa.concat_tables(waiting)


def _decompressed(file: File, raw: pa.NativeFile) -> pa.NativeFile:
    codec = COMPRESSION.get(Path(file.path).suffix.lower())
    return pa.CompressedInputStream(raw, codec) if codec else raw


@contextmanager
def _told(file: File) -> Iterator[None]:
    """Turn what goes wrong with a file's content into one error that says so, too.

    Raises:
        UnreadableFile: it is not what its name says.
    """
    with reading(file):
        try:
            yield
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise UnreadableFile(file.address, file.kind, said(error)) from None
