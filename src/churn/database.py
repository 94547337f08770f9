"""Reaching the database of the prediction log: its address, its engine, its outages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from churn.errors import LogUnreachable, UnusableDatabaseUrl, UnusablePasswordFile

DEFAULT = "sqlite:///predictions/log.db"
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}
# Seconds until a database that does not answer is taken to be away.
CONNECT_TIMEOUT, LOCK_TIMEOUT = 3, 5
# A network that swallows packets is noticed after some 15 seconds, not after minutes.
NETWORK = {
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
# InternalError is what a standby says that is not yet, or no longer, the one to write to.
AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
# Rows of one INSERT. Each number of rows is a statement of its own, which drivers keep prepared:
# many large ones would take tens of megabytes.
INSERT_ROWS, KEPT_STATEMENTS = 200, 16
# Set on an engine whose transactions write: SQLite then waits its turn before it reads.
WRITES = {"churn_writes": True}


def database_url(environment: Mapping[str, str], default: str = DEFAULT) -> str:
    """Address of the prediction log: `DATABASE_URL`, or a file in `predictions/`.

    The password may be in a file of its own, as containers have it: `DATABASE_PASSWORD_FILE`.

    Raises:
        UnusableDatabaseUrl: it is malformed, or of a database that is not supported.
        UnusablePasswordFile: it cannot be read, or is not of one line.
    """
    url = parsed(environment.get("DATABASE_URL", "").strip() or default)
    if (path := environment.get("DATABASE_PASSWORD_FILE")) and url.get_backend_name() != "sqlite":
        url = url.set(password=_password(Path(path)))
    return url.render_as_string(hide_password=False)


def _password(path: Path) -> str:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusablePasswordFile(path, f"it cannot be read ({error})") from None
    if len(lines) != 1 or not lines[0]:
        raise UnusablePasswordFile(path, f"it has {len(lines)} lines")
    return lines[0]


def parsed(address: str, variable: str = "DATABASE_URL") -> URL:
    """Read an address; the driver is ours whatever it names.

    Args:
        address: of a database.
        variable: that holds it, for the error.
    Raises:
        UnusableDatabaseUrl: it is malformed, or of a database that is not supported.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # SQLAlchemy's message quotes the address, password and all.
        raise UnusableDatabaseUrl("it is no address of a database", variable) from None
    if url.drivername not in DRIVERS:
        raise UnusableDatabaseUrl(f"{url.drivername} is not supported", variable)
    if url.drivername == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise UnusableDatabaseUrl("sqlite needs a file, or what is written is lost", variable)
        if url.query:
            raise UnusableDatabaseUrl("sqlite takes no options", variable)
    else:
        _refuse_unknown_options(url, variable)
    return url.set(drivername=DRIVERS[url.drivername])


def _refuse_unknown_options(url: URL, variable: str) -> None:
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**dict.fromkeys(url.query, "1"))
    except ProgrammingError as error:
        raise UnusableDatabaseUrl(str(error).strip(), variable) from None


def shown(url: URL) -> str:
    """The address for people: no password, and of the options only where the database is."""
    kept = {key: value for key, value in url.query.items() if key in ("host", "port")}
    return url.set(drivername=url.get_backend_name(), query=kept).render_as_string()


def placeless(url: URL) -> str:
    """The same for an output that must not name a folder of this machine."""
    if url.get_backend_name() == "sqlite":
        url = url.set(database=Path(str(url.database)).name)
    return shown(url)


def elsewhere(address: str) -> str:
    """The address as it is to be given to a process that runs in another folder."""
    url = parsed(address)
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(Path(str(url.database)).absolute()))
    return url.render_as_string(hide_password=False)


def engine_of(url: URL) -> Engine:
    """An engine whose connections are tested before use; nothing is connected yet.

    Raises:
        LogUnreachable: the folder of a SQLite file cannot be made.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, **NETWORK}
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=LOCK_TIMEOUT,
        insertmanyvalues_page_size=INSERT_ROWS,
        connect_args=options,
    )


def _sqlite(url: URL) -> Engine:
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LogUnreachable(shown(url), str(error.strerror)) from None
    engine = create_engine(
        url,
        pool_timeout=LOCK_TIMEOUT,
        insertmanyvalues_page_size=INSERT_ROWS,
        connect_args={"timeout": LOCK_TIMEOUT, "cached_statements": KEPT_STATEMENTS},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        # The driver would begin a transaction late, after reads that another writer then outdates.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(next(iter(WRITES)))
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def reachable(url: URL) -> Iterator[None]:
    """Turn the errors of a database that is away into one that says so.

    Raises:
        LogUnreachable: worth trying again; any other error is our own and passes as it is.
    """
    try:
        yield
    except AWAY as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        text = " ".join(str(why).split())[:300].rstrip(".")
        if url.password:
            text = text.replace(str(url.password), "***")
        raise LogUnreachable(shown(url), text) from None
