"""Kills a run before each step that lasts, goes on with it, and tells what is there in the end.

The variables are those of `make score`. Each run is a process of its own, forked from one that has
imported everything but has no thread yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
from sqlalchemy import create_engine, inspect, text

import churn.batch.snapshot
import churn.batch.table_output  # noqa: F401 - both before the fork
from churn.batch.job import job
from churn.batch.run import run
from churn.errors import ChurnError
from churn.reading.databases import url_of
from churn.settings import ServeSettings
from tests.serve.models import SETTINGS

NEVER = 10**9
# Statements that last at once in MySQL, and those that write.
LASTING = ("CREATE", "DROP", "INSERT", "RENAME")
EVERYTHING = "SELECT * FROM {}"
SERVER = os.environ.get("OUTPUT", "").partition("#")[0]


def dying(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """The same function, but the process is killed before its turn comes."""

    def step(*given: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **more)

    return step


def dying_query(left: list[int]) -> Callable[..., Any]:
    """The same for statements to MySQL."""
    real = pymysql.connections.Connection.query
    step = dying(real, left)

    def query(self: Any, sql: str | bytes, *more: Any, **named: Any) -> Any:
        begin = sql[:20] if isinstance(sql, str) else sql[:20].decode(errors="replace")
        return (step if begin.lstrip().startswith(LASTING) else real)(self, sql, *more, **named)

    return query


def scored(at: int, settings: ServeSettings, **variables: str) -> int:
    """Score in a process that is killed before a step; how it ended."""
    if (child := os.fork()) == 0:
        left, status = [at], 1
        os.fdatasync = dying(os.fdatasync, left)
        os.replace = dying(os.replace, left)
        shutil.rmtree = dying(shutil.rmtree, left)
        pymysql.connections.Connection.query = dying_query(left)
        try:
            run(job({**os.environ, **variables}), settings)
            status = 0
        except ChurnError as error:
            os.write(2, f"{error}\n".encode())
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def outputs() -> list[Path]:
    """Files that a run makes."""
    return sorted(one for one in Path().iterdir() if one.name.startswith("out"))


def on_server(statement: str) -> dict[str, str]:
    """Execute a statement with the name of each table of the server; what it gave."""
    if not SERVER.startswith("mysql"):
        return {}
    engine, found = create_engine(url_of(SERVER, "OUTPUT")), {}
    with engine.begin() as connection:
        for name in inspect(connection).get_table_names():
            done = connection.execute(text(statement.format(name)))
            found[name] = repr(done.fetchall()) if done.returns_rows else ""
    engine.dispose()
    return found


def clear() -> None:
    """Remove what a run has made."""
    for path in outputs():
        path.unlink()
    on_server("DROP TABLE {}")


def content() -> str:
    """What is there, by its bytes or, of a database, its rows."""
    found = hashlib.sha256(repr(on_server(EVERYTHING)).encode())
    for path in outputs():
        found.update(path.name.encode())
        if path.suffix != ".db":
            found.update(path.read_bytes())
            continue
        with sqlite3.connect(path) as database:
            names = [n for (n,) in database.execute("SELECT name FROM sqlite_master ORDER BY 1")]
            for name in names:
                rows = database.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
                found.update(repr((name, rows)).encode())
        database.close()
    return found.hexdigest()


def main() -> None:
    """Kill at each step, go on, compare."""
    assert scored(NEVER, SETTINGS) == 0
    if os.environ.get("FORCE"):
        # From now on there is something to be replaced.
        assert scored(NEVER, SETTINGS) == 0
    expected, steps, told = content(), 0, []
    whole = on_server(EVERYTHING).get("scores")
    while True:
        if not os.environ.get("FORCE"):
            clear()
        steps += 1
        killed = scored(steps, SETTINGS)
        # Whoever reads a table that is being replaced finds one that is whole.
        is_whole = not os.environ.get("FORCE") or on_server(EVERYTHING).get("scores") == whole
        went_on = scored(NEVER, SETTINGS, RESUME="1")
        told.append([killed, went_on, is_whole and content() == expected])
        if killed == 0:
            break
    sys.stdout.write(json.dumps(told))
