"""Customers of a table or query: first as a file beside the notes, and scored from there.

A database promises no order of rows, and others write to it meanwhile. So a run that is gone on
with has the rows of the one moment at which it began.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs
from sqlalchemy import URL, Connection, CursorResult, column, select, table, text

from churn.atomic import write_whole
from churn.batch.databases import answering, read_only, require_table, split
from churn.batch.places import File, writing
from churn.batch.reading import chosen
from churn.contract import Contract
from churn.database import shown
from churn.errors import UnusableColumn

FETCHED = 10_000
# Their text says what they are; a list or bytes would only seem to.
ODD = (bytes, bytearray, memoryview, list, dict, tuple, set)


def snapshot(url: URL, name: str | None, query: str | None, contract: Contract, path: Path) -> File:
    """The rows as a file; it is taken once.

    Args:
        url: of the database.
        name: of the table; None if there is a query.
        query: in the words of the database.
        contract: of the model.
        path: for the file.
    Raises:
        NoSuchTable, ColumnsMissing, DoubledColumn, UnusableColumn, DatabaseRefused, CannotWrite.
    """
    if not path.is_file():
        engine = read_only(url)
        try:
            with answering(url), engine.connect() as connection:
                result = _asked(connection, url, name, query, contract)
                names = chosen(shown(url), [*result.keys()], contract)
                with writing(path.parent):
                    write_whole(path, lambda unfinished: _write(unfinished, result, names, url))
        finally:
            engine.dispose()
    return File(str(path), "parquet", fs.LocalFileSystem(), str(path))


def _asked(
    connection: Connection, url: URL, name: str | None, query: str | None, contract: Contract
) -> CursorResult[Any]:
    connection = connection.execution_options(stream_results=True, yield_per=FETCHED)
    if name is None:
        return connection.execute(text(str(query).replace(":", "\\:")))
    columns = require_table(connection, url, name)
    schema, bare = split(name)
    wanted = chosen(f"{shown(url)}#{name}", columns, contract)
    source = table(bare, *(column(one) for one in wanted), schema=schema)
    return connection.execute(select(*source.c))


def _write(path: Path, result: CursorResult[Any], names: dict[str, str], url: URL) -> None:
    places = [[*result.keys()].index(own) for own in names]
    schema = pa.schema([(own, pa.string()) for own in names])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=True) as writer:
        for rows in result.partitions(FETCHED):
            arrays = [
                pa.array(_texts(rows, place, own, url), pa.string())
                for place, own in zip(places, names, strict=True)
            ]
            writer.write_table(pa.table(arrays, schema=schema))


def _texts(rows: Sequence[Any], place: int, name: str, url: URL) -> Iterator[str | None]:
    for row in rows:
        value = row[place]
        if isinstance(value, ODD):
            raise UnusableColumn(shown(url), name, type(value).__name__)
        yield value if value is None or isinstance(value, str) else str(value)
