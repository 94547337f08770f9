"""What `load` takes of a source: streams of customers, put in their places when all are whole."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from churn.files import write_json, write_tables
from churn.reading.places import writing
from churn.synthetic import Part

UNFINISHED, MANIFEST = ".unfinished-", "manifest.json"


class Snapshot:
    """The customers of one part of a source.

    Args:
        tables: rows under the contract's names, to be gone through once.
        origin: where they come from; what is known at the end only may be put in until then.

    Attributes:
        rows: how many have been gone through.
        origin: where they come from, for `data/raw/manifest.json`.
    """

    def __init__(self, tables: Iterator[pa.Table], origin: Mapping[str, Any]) -> None:
        self._tables = tables
        self._columns: list[str] = []
        self.origin = origin
        self.rows = 0

    def tables(self) -> Iterator[pa.Table]:
        """The customers, in tables of any number of rows, at least one."""
        for table in self._tables:
            self.rows += table.num_rows
            self._columns = table.column_names
            yield table

    @property
    def table(self) -> pa.Table:
        """All of them at once: for few."""
        return pa.concat_tables(self.tables())

    @property
    def description(self) -> dict[str, Any]:
        """The snapshot's entry in `data/raw/manifest.json`, once it was gone through."""
        return {**self.origin, "rows": self.rows, "columns": self._columns}


def keep(snapshots: Mapping[Part, Snapshot], folder: Path, unfinished: Path) -> None:
    """Write snapshots and their manifest: all of them, or what was there before stays.

    Args:
        snapshots: by the names of their files.
        folder: for them.
        unfinished: folder on the same disk, for what is not whole.
    Raises:
        CannotWrite: the disk is full, or the like.
    """
    names = [f"{name}.parquet" for name in snapshots]
    with writing(folder):
        for name, snapshot in zip(names, snapshots.values(), strict=True):
            write_tables(unfinished / name, snapshot.tables())
        manifest = {name: one.description for name, one in snapshots.items()}
        write_json(unfinished / MANIFEST, manifest)
        for name in (*names, MANIFEST):
            (unfinished / name).replace(folder / name)


@contextmanager
def unfinished_in(folder: Path) -> Iterator[Path]:
    """A folder for what is unfinished, gone at the end; those that killed runs have left go, too.

    Raises:
        CannotWrite: it cannot be made.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{UNFINISHED}*"):
            with _locked(left) as is_ours:
                if is_ours:
                    shutil.rmtree(left)
        path = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=folder))
    with _locked(path):
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether a folder is nobody else's: the lock ends with its process."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        yield _is_locked(opened)
    finally:
        os.close(opened)


def _is_locked(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
