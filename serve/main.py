"""The main process: reads the settings, checks the model, starts the others."""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import resource
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from churn.errors import (
    AddressNeedsKeys,
    AddressTaken,
    ChurnError,
    NoRoom,
    ServerFailed,
    SpoolUnusable,
)
from churn.listening import HOSTS, LOCAL, host, port
from churn.model_sources import source
from churn.params import read_parameters
from churn.settings import ServeSettings
from serve import keys, logs
from serve.generations import Coordinator, Generation, Wanted
from serve.http import Answer
from serve.reloading import ask
from serve.shared import Shared
from serve.spool import LogPlace, Spool

PARAMS = Path("params.yaml")
# A private folder is made in one of them.
MEMORY, DISK = Path("/dev/shm"), Path("/tmp")  # noqa: S108
LEAST_BYTES = 64 * 1024 * 1024
MOST_FILES = 65_536
logger = logging.getLogger("churn.server")


def arguments(given: list[str], environment: Mapping[str, str]) -> argparse.Namespace:
    """What the server is told on its command line, or in the environment."""
    parser = argparse.ArgumentParser(prog="python -m serve", description="Serve a churn model.")
    add, of = parser.add_argument, environment.get
    add("--model", default=of("MODEL") or "models/churn", help="a folder, a stage or a version")
    add("--host", type=host, default=of("HOST") or LOCAL, help="address to listen on")
    add("--port", type=port, default=of("PORT") or "8000")
    add("--metrics-port", type=port, default=of("METRICS_PORT") or None, help="for probes too")
    add("--log-folder", type=Path, default=of("LOG_FOLDER") or "predictions", help="of the log")
    add("--insecure", action="store_true", help="let everybody in, from other machines too")
    found = parser.parse_args(given)
    if found.metrics_port == found.port:
        parser.error(f"argument --metrics-port: {found.port} is --port's; give another")
    return found


def main() -> None:
    """Serve until told to stop; a user's mistake is one line."""
    given = arguments(sys.argv[1:], os.environ)
    folder = None
    # Docker and process managers say SIGTERM where a terminal says SIGINT.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _allow_many_connections()
    try:
        settings = read_parameters(PARAMS).serve
        folder = _private_folder()
        sys.exit(serve(given, settings, Shared(folder)))
    except ChurnError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(0)
    finally:
        for process in multiprocessing.active_children():
            process.kill()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _allow_many_connections() -> None:
    """Raise the bound on open files, often 1,024: each connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, MOST_FILES)), hard))


def serve(given: argparse.Namespace, settings: ServeSettings, shared: Shared) -> int:
    """Serve; the exit status.

    Raises:
        ChurnError: the server cannot start.
    """
    let_in = keys.read_keys(os.environ)
    if given.host != LOCAL and not let_in and not given.insecure:
        raise AddressNeedsKeys(given.host)
    _refuse_taken(given.host, given.port, "PORT")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared.folder / "metrics")
    (shared.folder / "metrics").mkdir()
    # Imported here: prometheus_client looks for its folder when it is imported.
    from serve.server import Server

    coordinator = Coordinator(
        shared,
        lambda: _wanted(given.model, settings, shared.folder / "fetched"),
        settings.challenger,
    )
    first = coordinator.bring(dict)
    logs.configure()
    place = _log_place(given, settings) if settings.log.enabled else None
    server = Server(shared, settings, coordinator, place, has_probes=given.metrics_port is None)
    if given.metrics_port:
        _start_probes(given, shared, coordinator)
    _say(given, first, bool(let_in))
    signal.signal(signal.SIGHUP, lambda *_: ask(shared) and None)
    server.run(
        host=given.host,
        port=given.port,
        num_api_servers=settings.processes,
        generate_client_file=False,
        log_level="warning",
    )
    if server.failed:
        raise ServerFailed("a process")
    return 0


def _wanted(name: str, settings: ServeSettings, folder: Path) -> Wanted:
    """The models and keys as they are now.

    Raises:
        ChurnError: there is no such model, or it is broken, or the keys are.
    """
    names = [name, *([settings.challenger.model] if settings.challenger.model else [])]
    shutil.rmtree(folder, ignore_errors=True)
    sources = [source(one, folder / str(i)) for i, one in enumerate(names)]
    return Wanted(sources, keys.read_keys(os.environ))


def _log_place(given: argparse.Namespace, settings: ServeSettings) -> LogPlace:
    """Where predictions are kept.

    Raises:
        UnusableDatabaseUrl: `DATABASE_URL` is malformed.
        UnusablePasswordFile: there is no password in the file that is to have it.
        SpoolUnusable: the folder cannot be written.
    """
    # Imported here, before the processes that need it are forked, and only if any does.
    from churn.database import database_url

    folder: Path = given.log_folder
    url = database_url(os.environ, f"sqlite:///{folder}/log.db")
    # A server that is started again on its port finds what it has left.
    path = folder / f"spool-{given.port}.db"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        Spool(path, settings.log.most_bytes).close()
    except (OSError, sqlite3.Error) as error:
        raise SpoolUnusable(path, str(error)) from None
    return LogPlace(path, url)


def _private_folder() -> Path:
    """A folder for this server alone: in `TMPDIR` if that is set, else in memory if there is room.

    Raises:
        NoRoom: it cannot be made.
    """
    has_room = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > LEAST_BYTES
    # Not tempfile's own choice, which is another place without a word when the disk is full.
    place = os.environ.get("TMPDIR") or (MEMORY if has_room else DISK)
    try:
        return Path(tempfile.mkdtemp(prefix="churn-serve-", dir=place))
    except OSError as error:
        raise NoRoom(place, str(error.strerror)) from None


def _refuse_taken(host: str, port: int, name: str) -> None:
    """Check that a port can be listened on.

    Raises:
        AddressTaken: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise AddressTaken(host, port, name) from None


def _start_probes(given: argparse.Namespace, shared: Shared, coordinator: Coordinator) -> None:
    """Answer probes and metrics on a port of their own.

    Raises:
        AddressTaken: it cannot be listened on.
    """
    from serve import probes, telling
    from serve.metrics import CONTENT_TYPE, exposed

    answers: dict[str, Callable[[], Answer]] = {
        "/health": lambda: Answer.json(telling.HEALTHY),
        "/ready": lambda: telling.readiness(telling.missing(shared, coordinator.now())),
        "/metrics": lambda: Answer(200, exposed(coordinator.now()), CONTENT_TYPE),
    }
    try:
        probes.start(given.host, given.metrics_port, answers)
    except OSError:
        raise AddressTaken(given.host, given.metrics_port, "METRICS_PORT") from None


def _say(given: argparse.Namespace, first: Generation, has_keys: bool) -> None:
    """Tell a person where it is."""
    place = LOCAL if given.host in HOSTS[1:] else given.host
    version = first.lineup.champion.version
    who = "callers with a key" if has_keys else "everybody who reaches it: there are no keys"
    logger.info("model %s on http://%s:%s for %s", version, place, given.port, who)
    logger.info("its pages: http://%s:%s/docs", place, given.port)
