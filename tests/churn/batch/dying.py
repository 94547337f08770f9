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

from churn.batch.job import job
from churn.batch.run import run
from churn.errors import ChurnError
from churn.settings import ServeSettings
from tests.serve.models import SETTINGS

NEVER = 10**9


def dying(real: Callable[..., Any], left: list[int]) -> Callable[..., Any]:
    """The same function, but the process is killed before its turn comes."""

    def step(*given: Any, **more: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given, **more)

    return step


def scored(at: int, settings: ServeSettings, **variables: str) -> int:
    """Score in a process that is killed before a step; how it ended."""
    if (child := os.fork()) == 0:
        left, status = [at], 1
        os.fdatasync = dying(os.fdatasync, left)
        os.replace = dying(os.replace, left)
        shutil.rmtree = dying(shutil.rmtree, left)
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


def content() -> str:
    """What is there, by its bytes or, of a database, its rows."""
    found = hashlib.sha256()
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
    expected, steps, told = content(), 0, []
    while True:
        for path in outputs():
            path.unlink()
        steps += 1
        killed = scored(steps, SETTINGS)
        went_on = scored(NEVER, SETTINGS, RESUME="1")
        told.append([killed, went_on, content() == expected])
        if killed == 0:
            break
    sys.stdout.write(json.dumps(told))
