"""Files of the pipeline: written whole or not at all, with the same bytes each time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from churn.atomic import write_bytes, write_whole

# Of a group of rows: as many as pyarrow takes, and as much memory as one may take.
GROUP_ROWS, GROUP_BYTES = 1024 * 1024, 256 * 1024 * 1024


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path, data: object) -> None:
    """Write JSON, keys in the order given; NaN and infinity are refused with ValueError."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON that a stage wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a table, without pandas' metadata."""
    bare = table.replace_schema_metadata(None)
    write_whole(path, lambda unfinished: pq.write_table(bare, unfinished, compression="zstd"))


def write_tables(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write a stream of tables as one; what fits into one group has the bytes of `write_parquet`.

    No more than one group is in memory at a time.

    Args:
        path: for the file.
        tables: at least one, of any number of rows; all have the columns and types of the first.
    """
    write_whole(path, lambda unfinished: _write_tables(unfinished, iter(tables)))


def _write_tables(path: Path, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    schema = first.schema.remove_metadata()
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(table.cast(schema) for table in chain([first], tables)):
            writer.write_table(group.combine_chunks(), GROUP_ROWS)


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in groups; one without rows if there are none."""
    waiting: list[pa.Table] = []
    is_first = True
    for table in tables:
        waiting.append(table)
        while _is_group(waiting):
            together = pa.concat_tables(waiting)
            yield together.slice(0, GROUP_ROWS)
            waiting, is_first = [together.slice(GROUP_ROWS)], False
    rest = pa.concat_tables(waiting)
    if rest.num_rows or is_first:
        yield rest


def _is_group(tables: list[pa.Table]) -> bool:
    rows, size = sum(one.num_rows for one in tables), sum(one.nbytes for one in tables)
    return rows >= GROUP_ROWS or size > GROUP_BYTES


def read_parquet(path: Path) -> pa.Table:
    """Read a table that a stage wrote."""
    # Not read_table: threads of its scanner may outlive the call, and end the process with SIGABRT
    # if they do so beyond Python's own end (arrow#34314); and it reads k=v in a path as a column.
    with pq.ParquetFile(path) as file:
        return file.read()


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
