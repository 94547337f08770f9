"""Files of the pipeline: written whole or not at all, with the same bytes each time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from churn.atomic import write_bytes, write_whole


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


def read_parquet(path: Path) -> pa.Table:
    """Read a table that a stage wrote."""
    return pq.read_table(path)


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
