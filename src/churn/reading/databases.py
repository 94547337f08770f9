"""Databases that customers come from and scores go to, through SQLAlchemy.

PostgreSQL (psycopg), MySQL and MariaDB (PyMySQL), SQLite. Another one needs a driver, and, where
tables cannot be made and renamed within a transaction, a look at `batch.table_output`.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymysql import MySQLError
from pymysql.cursors import SSCursor
from pymysql.optionfile import Parser
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, ProgrammingError, SQLAlchemyError

from churn.database import CONNECT_TIMEOUT, LOCK_TIMEOUT, WRITES, engine_of, parsed, shown
from churn.errors import DatabaseRefused, NoSuchInput, NoSuchTable, UnusableDatabaseUrl

MYSQL = "mysql"
MYSQL_DRIVER = "mysql+pymysql"
MYSQL_NAMES = (MYSQL, MYSQL_DRIVER, "mariadb", "mariadb+pymysql")
# Of PyMySQL's options, those that say where the server is and how it is reached.
MYSQL_OPTIONS = frozenset(
    {
        *("charset", "connect_timeout", "read_timeout", "write_timeout", "unix_socket"),
        *("ssl_ca", "ssl_cert", "ssl_key", "ssl_check_hostname"),
    }
)
# Seconds until a query that gives no row is given up. The address may say otherwise: PostgreSQL's
# `options=-c statement_timeout=…`, MySQL's `read_timeout=…`.
PATIENCE = 600
PATIENT = (
    f"SELECT set_config('statement_timeout', '{PATIENCE}s', false) "
    "WHERE current_setting('statement_timeout') = '0'"
)
# The user's changes to what is there are refused; a server that is not strict cuts off what is too
# long for its column.
READ_ONLY = "SET SESSION TRANSACTION READ ONLY"
STRICT = "SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES')"
MYSQL_FILE = Path("~/.my.cnf")
LONGEST_WHY = 300
# What a server refuses that has let us in.
CORRECT = "Correct the query or the name of the table, or let the database's user do this."


def url_of(address: str, variable: str) -> URL:
    """Read the address of a database; the driver is ours whatever it names.

    Args:
        address: of a database.
        variable: that holds it, for the error.
    Raises:
        UnusableDatabaseUrl: it is malformed, or of a database that is not supported.
    """
    if address.partition("://")[0].lower() not in MYSQL_NAMES:
        return parsed(address, variable)
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # SQLAlchemy's message quotes the address, password and all.
        raise UnusableDatabaseUrl("it is no address of a database", variable) from None
    if unknown := sorted({*url.query} - MYSQL_OPTIONS):
        allowed = ", ".join(sorted(MYSQL_OPTIONS))
        raise UnusableDatabaseUrl(f"no option {unknown[0]!r}; there are {allowed}", variable)
    return url.set(drivername=MYSQL_DRIVER)


def read_only(url: URL, variable: str) -> Engine:
    """An engine that changes nothing.

    Args:
        url: of the database.
        variable: that holds it, for the error.
    Raises:
        NoSuchInput: there is no such SQLite file.
    """
    kind = url.get_backend_name()
    if kind == MYSQL:
        return _mysql(url, READ_ONLY)
    if kind == "sqlite":
        path = Path(str(url.database))
        if not path.is_file():
            raise NoSuchInput(variable, shown(url))
        query = {"mode": "ro", "uri": "true"}
        return create_engine(URL.create("sqlite", database=f"file:{quote(str(path))}", query=query))
    engine = engine_of(url).execution_options(postgresql_readonly=True)
    if "statement_timeout" in str(url.query.get("options", "")):
        return engine

    @event.listens_for(engine, "connect")
    def _be_patient(connection: Any, _: object) -> None:
        connection.execute(PATIENT)
        connection.commit()

    return engine


def writing_to(url: URL) -> Engine:
    """An engine whose transactions write.

    Raises:
        LogUnreachable: the folder of a SQLite file cannot be made.
    """
    if url.get_backend_name() == MYSQL:
        return _mysql(url, STRICT)
    return engine_of(url).execution_options(**WRITES)


def _mysql(url: URL, first: str) -> Engine:
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, "read_timeout": PATIENCE}
    options = {name: value for name, value in options.items() if name not in url.query}
    options |= {"init_command": first, **_credentials(url)}
    return create_engine(url, pool_pre_ping=True, pool_timeout=LOCK_TIMEOUT, connect_args=options)


def _credentials(url: URL) -> dict[str, str]:
    """What the address lacks: from MYSQL_PWD or, as for MySQL's own programs, ~/.my.cnf.

    Nothing else is taken from that file: it may name another server.
    """
    given = Parser()
    try:
        given.read(MYSQL_FILE.expanduser(), encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        # The error would show the line.
        raise DatabaseRefused(shown(url), f"{MYSQL_FILE} is no file of options") from None
    own = {"user": url.username, "password": url.password or os.environ.get("MYSQL_PWD")}
    missing = [name for name, value in own.items() if value is None]
    found = {n: given.get("client", n) for n in missing if given.has_option("client", n)}
    password = {} if url.password or not own["password"] else {"password": own["password"]}
    return {**found, **password}


def forgo_rest(connection: Connection, cursor: object) -> None:
    """Let a cursor be closed without the rest of its rows.

    MySQL's driver would fetch all of them: its protocol has no other way but to end the connection.
    """
    if isinstance(cursor, SSCursor) and cursor._result:
        # What the driver itself does with a result that has come to nothing.
        cursor._result.unbuffered_active = False
        connection.invalidate()


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
        how = {"how": CORRECT} if isinstance(error, ProgrammingError) else {}
        raise DatabaseRefused(shown(url), _why(error, url), **how) from None


def _why(error: SQLAlchemyError, url: URL) -> str:
    why = error.orig if isinstance(error, DBAPIError) else error
    said = str(why.args[-1]) if isinstance(why, MySQLError) else str(why)
    text = " ".join(said.split())[:LONGEST_WHY].rstrip(".")
    return text.replace(str(url.password), "***") if url.password else text
