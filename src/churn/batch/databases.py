"""Databases that customers come from and scores go to, through SQLAlchemy.

PostgreSQL and SQLite. Another one needs a driver, its name in `churn.database.DRIVERS`, and, where
tables cannot be made and renamed within a transaction, a way of its own in `table_output`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, inspect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from churn.database import engine_of, shown
from churn.errors import DatabaseRefused, NoSuchInput, NoSuchTable

LONGEST_WHY = 300


def read_only(url: URL) -> Engine:
    """An engine that changes nothing.

    Raises:
        NoSuchInput: there is no such SQLite file.
    """
    if url.get_backend_name() != "sqlite":
        return engine_of(url).execution_options(postgresql_readonly=True)
    path = Path(str(url.database))
    if not path.is_file():
        raise NoSuchInput(shown(url))
    query = {"mode": "ro", "uri": "true"}
    return create_engine(URL.create("sqlite", database=f"file:{quote(str(path))}", query=query))


def split(table: str) -> tuple[str | None, str]:
    """The schema, if one is named before the table's name, and the name."""
    schema, _, name = table.rpartition(".")
    return schema or None, name


def require_table(connection: Any, url: URL, table: str) -> list[str]:
    """The columns of a table or view.

    Raises:
        NoSuchTable: there is none of that name.
    """
    schema, name = split(table)
    looked = inspect(connection)
    known = [*looked.get_table_names(schema), *looked.get_view_names(schema)]
    if name not in known:
        raise NoSuchTable(shown(url), table, known)
    return [one["name"] for one in looked.get_columns(name, schema)]


@contextmanager
def answering(url: URL) -> Iterator[None]:
    """Turn the errors of a database into one that says so.

    Raises:
        DatabaseRefused: it is away, does not let us in, or cannot do what was asked.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise DatabaseRefused(shown(url), _why(error, url)) from None


def _why(error: SQLAlchemyError, url: URL) -> str:
    why = error.orig if isinstance(error, DBAPIError) else error
    text = " ".join(str(why).split())[:LONGEST_WHY].rstrip(".")
    return text.replace(str(url.password), "***") if url.password else text
