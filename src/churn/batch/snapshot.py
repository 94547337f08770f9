"""Customers who are far away, as a file beside the notes: they are scored from there.

A database promises no order of rows, and others write to it meanwhile. So a run that is gone on
with has the rows of the one moment at which it began.
"""

from __future__ import annotations

from pathlib import Path

from pyarrow import fs
from sqlalchemy import URL

from churn.contract import Contract
from churn.files import write_tables
from churn.reading.places import File, writing
from churn.reading.rows import asked
from churn.reading.wanted import for_scoring


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
        with (
            asked(url, "INPUT", for_scoring(contract), name=name, query=query) as rows,
            writing(path.parent),
        ):
            write_tables(path, rows.tables())
    return File(str(path), "parquet", fs.LocalFileSystem(), str(path))
