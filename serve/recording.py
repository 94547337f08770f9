"""The recorder's process: its life, and the socket at which it is told of outcomes."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socketserver
import time
from pathlib import Path

import orjson
from prometheus_client import CollectorRegistry

from churn.errors import ChurnError, LogSchemaOutdated
from churn.prediction_log import PredictionLog
from churn.settings import ServeSettings
from serve import logs
from serve.feedback import from_plain, to_plain
from serve.generations import Follower
from serve.lifetime import end_with_parent, ignore
from serve.log_metrics import RecorderMetrics
from serve.recorder import Recorder
from serve.shared import Shared
from serve.spool import LogPlace, Spool

LOWEST_PRIORITY = 19
# Between two looks at the spool where nothing happens, and after a failure of ours. A look has its
# cost, however few rows there are, and requests pay it in their slowest hundredth.
REST, PAUSE = 0.2, 1.0
# For what is left when the server ends.
GRACE = 1.5
SOCKET = "recorder"
logger = logging.getLogger("churn.recorder")


class _Socket(socketserver.UnixStreamServer):
    """Where the processes that answer requests bring outcomes, one request a connection."""

    request_queue_size = 64

    def __init__(self, path: Path, recorder: Recorder) -> None:
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler)
        self.recorder = recorder

    def handle_error(self, *_: object) -> None:
        """Say what went wrong with the connection itself."""
        logger.exception("whoever brought feedback was not told what became of it")


class _Handler(socketserver.StreamRequestHandler):
    server: _Socket

    def handle(self) -> None:
        feedback = from_plain(orjson.loads(self.rfile.read()))
        try:
            answer = to_plain(self.server.recorder.record(feedback))
        except ChurnError:
            answer = None
        except Exception:
            logger.exception("feedback could not be recorded")
            answer = None
        self.wfile.write(orjson.dumps(answer))


def connected(url: str) -> PredictionLog:
    """The log, its tables made or brought up to date.

    Raises:
        ChurnError: the database is away, or its tables cannot be made.
    """
    try:
        return PredictionLog.open(url)
    except LogSchemaOutdated:
        # Alembic is needed once, and need not stay in the memory of this process.
        other = multiprocessing.get_context("fork").Process(target=_migrated, args=(url,))
        other.start()
        other.join()
        return PredictionLog.open(url)


def _migrated(url: str) -> None:
    """Make the tables, in a process of its own; whoever opens the log then hears if it failed."""
    # Alembic tells of its plugins as soon as it is imported.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from churn.migrating import migrate

    try:
        migrate(url)
    except ChurnError as error:
        logger.error("%s", error)  # noqa: TRY400 - a line for a person, as everywhere


def run(shared: Shared, settings: ServeSettings, slot: int, place: LogPlace) -> None:
    """Record until told to end: the life of the process.

    Args:
        shared: with the other processes.
        settings: the group `serve`.
        slot: of this process in `Shared.loaded`.
        place: of the log.
    """
    end_with_parent(signal.SIGKILL)
    ignore(signal.SIGINT, signal.SIGHUP)
    ending: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))
    logs.configure()
    os.nice(LOWEST_PRIORITY)
    follower = Follower(shared, slot, settings.challenger)
    spool = Spool(place.spool, settings.log.most_bytes)
    metrics = RecorderMetrics(CollectorRegistry())
    recorder = Recorder(spool, lambda: connected(place.url), follower.now, settings.log, metrics)
    with _Socket(shared.folder / SOCKET, recorder) as server:
        while not ending:
            server.timeout = 0 if _turned(recorder) else REST
            server.handle_request()
    end = time.monotonic() + GRACE
    while _turned(recorder) and time.monotonic() < end:
        pass


def _turned(recorder: Recorder) -> bool:
    """A turn of the recorder, which outlives whatever goes wrong in it."""
    try:
        return recorder.turn()
    except ChurnError as error:
        logger.error("%s", error)  # noqa: TRY400 - a line for a person, as everywhere
    except Exception:
        logger.exception("the recorder goes on after a failure")
    time.sleep(PAUSE)
    return False
