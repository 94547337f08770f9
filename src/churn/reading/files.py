"""CSV and Parquet files as streams of Arrow tables of at most `ROWS` rows.

Where one table ends and the next begins depends on the file alone, so a run that is gone on with
sees the same ones. Text files are read as text: what a value means is for `parsing` to say.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from churn.errors import UnreadableFile, UnusableColumn
from churn.reading.places import COMPRESSION, File, reading, said
from churn.reading.tabular import PARSE, csv_header, is_usable, refuse_line_breaks
from churn.reading.wanted import Wanted

# Enough that Python's share of the work is small, few enough that memory is.
ROWS = 65_536
# Bytes of text that are read at a time; a row that is longer is refused.
BLOCK = 8 * 1024 * 1024
# Bytes of each column of a Parquet file that are fetched at a time.
BUFFER = 1024 * 1024


class CsvFile:
    """A CSV file, as text.

    Attributes:
        count: of its rows; None, as only reading tells.
        names: of all its columns, those of the contract under its names.
        schema: of the columns that are read, under the contract's names.
    """

    count: int | None = None

    def __init__(self, file: File, wanted: Wanted) -> None:
        self._file = file
        with _told(file):
            own = csv_header(file.address, self._opened)
        self.names = [*wanted.renamed(file.address, own).values()]
        self._chosen = wanted.chosen(file.address, own)
        self.schema = pa.schema([(name, pa.string()) for name in self._chosen.values()])

    def _opened(self) -> pa.NativeFile:
        return _decompressed(self._file, self._file.system.open_input_file(self._file.path))

    def tables(self, skip: int = 0) -> Iterator[tuple[pa.Table, float]]:
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
                yield table.rename_columns(self.schema.names), raw.tell() / size


class ParquetFile:
    """A Parquet file, with the types that it has.

    Attributes:
        count: of its rows.
        names: of all its columns, those of the contract under its names.
        schema: of the columns that are read, under the contract's names.
    """

    def __init__(self, file: File, wanted: Wanted) -> None:
        self._file = file
        with _told(file), file.system.open_input_file(file.path) as opened:
            self._metadata = pq.read_metadata(opened)
            schema = self._metadata.schema.to_arrow_schema()
        self.count: int | None = self._metadata.num_rows
        self.names = [*wanted.renamed(file.address, schema.names).values()]
        self._chosen = wanted.chosen(file.address, schema.names)
        fields = {name: schema.field(own) for own, name in self._chosen.items()}
        for name, field in fields.items():
            if not is_usable(field.type):
                raise UnusableColumn(file.address, name, str(field.type))
        self.schema = pa.schema([(name, field.type) for name, field in fields.items()])
        self._levels = [
            own
            for own, name in self._chosen.items()
            if name in wanted.levels and pa.types.is_string(fields[name].type)
        ]

    def tables(self, skip: int = 0) -> Iterator[tuple[pa.Table, float]]:
        """Tables after the first `skip` rows, and the share of the file that is read by then."""
        groups = range(self._metadata.num_row_groups)
        ends = [*accumulate(self._metadata.row_group(i).num_rows for i in groups)]
        first = bisect_right(ends, skip)
        read, total = skip, max(self._metadata.num_rows, 1)
        with _told(self._file), self._file.system.open_input_file(self._file.path) as opened:
            file = pq.ParquetFile(
                opened, read_dictionary=self._levels, pre_buffer=False, buffer_size=BUFFER
            )
            batches = file.iter_batches(
                ROWS, row_groups=[*groups[first:]], columns=[*self._chosen], use_threads=False
            )
            for table in _in_size(batches, skip - (ends[first - 1] if first else 0)):
                read += table.num_rows
                chosen = table.select([*self._chosen]).rename_columns(self.schema.names)
                yield chosen, read / total


READERS: dict[str, type[CsvFile | ParquetFile]] = {"csv": CsvFile, "parquet": ParquetFile}


def opened(file: File, wanted: Wanted) -> CsvFile | ParquetFile:
    """A file, its header read.

    Raises:
        ChurnError: it is no such file, or it lacks a column.
    """
    return READERS[file.kind](file, wanted)


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
