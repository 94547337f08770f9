"""Scores as a file: written beside its place, and put there when it is whole."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from pyarrow import fs

from churn.errors import OutputExists, StoreRefused
from churn.reading.files import ROWS
from churn.reading.places import File, reading, require_bucket, said, writing

CHUNK = 4 * 1024 * 1024
# Of few words each.
DICTIONARIES = ["risk_level", "recommendation", "model_version"]


class FileOutput:
    """One file for the scores and, if there are any, one for the rows that were set aside.

    Args:
        file: for the scores; the others go beside it, `scores.quarantine.parquet`.
        folder: on this machine, for what is unfinished.
    """

    def __init__(self, file: File, folder: Path) -> None:
        self._files = {"scores": file, "aside": beside(file)}
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter | pa.csv.CSVWriter] = {}

    @property
    def addresses(self) -> tuple[str, str]:
        """Where the scores are, and the rows that were set aside."""
        return self._files["scores"].address, self._files["aside"].address

    def check(self, *, force: bool) -> None:
        """Check that their places can be reached, and that nothing is there.

        Args:
            force: something may be.
        Raises:
            OutputExists: something is.
            StoreRefused: there is no such bucket.
        """
        for file in self._files.values():
            require_bucket(file)
            if not force and _is_there(file):
                raise OutputExists(file.address)

    def write(self, scores: pa.Table, aside: pa.Table) -> None:
        """Write some rows.

        Raises:
            CannotWrite: the disk is full, or the like.
        """
        for name, table in {"scores": scores, "aside": aside}.items():
            if table.num_rows or name == "scores":
                self._write(name, table)

    def _write(self, name: str, table: pa.Table) -> None:
        kind = self._files[name].kind
        table = table if kind == "parquet" else flat(table)
        with writing(self._files[name].address):
            if name not in self._writers:
                self._writers[name] = _writer(self._folder / name, kind, table.schema)
            self._writers[name].write_table(table, ROWS)

    def close(self) -> None:
        """Close what is written.

        Raises:
            CannotWrite: the disk is full, or the like.
        """
        with writing(self._folder):
            for one in self._writers.values():
                one.close()

    def put(self, *, force: bool, again: bool) -> None:
        """Put the files into their places.

        Args:
            force: whatever is there.
            again: it may be there already, as a run before was interrupted here.
        Raises:
            OutputExists: another file is there.
            CannotWrite, StoreRefused.
        """
        # The scores last: where they are, everything is.
        for name in ("aside", "scores"):
            file, path = self._files[name], self._folder / name
            if not force and _is_there(file):
                if not (again and name in self._writers and _are_alike(path, file)):
                    raise OutputExists(file.address)
            elif name in self._writers:
                _put(path, file)
            elif _is_there(file):
                _remove(file)

    def discard(self) -> None:
        """Leave everything as it was."""


def beside(file: File) -> File:
    """Where rows go that are set aside."""

    def other(name: str) -> str:
        stem, _, end = name.rpartition(".")
        return f"{stem}.quarantine.{end}"

    return File(other(file.address), file.kind, file.system, other(file.path))


def flat(table: pa.Table) -> pa.Table:
    """The same without lists and numbered words, which CSV and databases lack."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_list(column.type):
            texts = [json.dumps(one, ensure_ascii=False) for one in column.to_pylist()]
            columns[name] = pa.chunked_array([pa.array(texts, pa.string())])
        elif pa.types.is_dictionary(column.type):
            columns[name] = column.cast(pa.string())
        else:
            columns[name] = column
    return pa.table(columns)


def _writer(path: Path, kind: str, schema: pa.Schema) -> pq.ParquetWriter | pa.csv.CSVWriter:
    if kind == "csv":
        return pa.csv.CSVWriter(path, schema)
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=[name for name in DICTIONARIES if name in schema.names],
        store_schema=False,
    )


def _is_there(file: File) -> bool:
    return bool(file.info.type != fs.FileType.NotFound)


def _are_alike(path: Path, file: File) -> bool:
    with reading(file), path.open("rb") as ours, file.system.open_input_stream(file.path) as theirs:
        while (chunk := ours.read(CHUNK)) == theirs.read(CHUNK):
            if not chunk:
                return True
    return False


def _put(path: Path, file: File) -> None:
    if file.is_local:
        with writing(file.address):
            path.replace(file.path)
        return
    with _storing(file):
        _upload(path, file)


def _upload(path: Path, file: File) -> None:
    """Let a store have a file: it is there when its stream is closed, and not before."""
    with path.open("rb") as ours, _uninterrupted():
        theirs = file.system.open_output_stream(file.path)
        while chunk := ours.read(CHUNK):
            theirs.write(chunk)
        theirs.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off signals: a stream that is given up is closed, and half a file would be there."""
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _remove(file: File) -> None:
    with writing(file.address) if file.is_local else _storing(file):
        file.system.delete_file(file.path)


@contextmanager
def _storing(file: File) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreRefused(file.address, said(error)) from None
