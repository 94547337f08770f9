"""The command line: reads what it is told, checks it, listens."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from churn.errors import AddressTaken, ChurnError
from churn.listening import LOCAL, host, port
from deploy.dispatcher.app import Service, application
from deploy.dispatcher.dispatching import Dispatching
from deploy.dispatcher.errors import UnsafeApiUrl, UnusableRepository
from deploy.dispatcher.github import GitHub
from deploy.dispatcher.state import State

API_URL = "https://api.github.com"
# Where GITHUB_API_URL may be without TLS.
THIS_MACHINE = (LOCAL, "localhost", "::1")
SECRETS, STATE = "/etc/churn-dispatcher", "/var/lib/churn-dispatcher/episodes.json"
# Alertmanagers are few, and each waits for its answer.
MOST_CONNECTIONS = 50


def arguments(given: list[str], environment: Mapping[str, str]) -> argparse.Namespace:
    """What the dispatcher is told on its command line, or in the environment."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.dispatcher", description="Start a training for a drift alarm."
    )
    add, of = parser.add_argument, environment.get
    add("--repository", default=of("GITHUB_REPOSITORY") or "", help="owner/name at GitHub")
    add("--api-url", default=of("GITHUB_API_URL") or API_URL, help="of GitHub's API")
    add(
        "--github-token-file",
        type=Path,
        default=of("GITHUB_TOKEN_FILE") or f"{SECRETS}/github_token",
        help="may write the repository's contents",
    )
    add(
        "--token-file",
        type=Path,
        default=of("DISPATCHER_TOKEN_FILE") or f"{SECRETS}/token",
        help="what Alertmanager sends, one a line",
    )
    add("--state", type=Path, default=of("DISPATCHER_STATE") or STATE, help="what was dispatched")
    add("--host", type=host, default=of("HOST") or LOCAL, help="address to listen on")
    add("--port", type=port, default=of("PORT") or "8010")
    return parser.parse_args(given)


def main() -> None:
    """Take notifications until told to stop; a user's mistake is one line."""
    given = arguments(sys.argv[1:], os.environ)
    # Process managers say SIGTERM where a terminal says SIGINT.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        serve(given)
    except ChurnError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(0)


def serve(given: argparse.Namespace) -> None:
    """Take notifications until told to stop.

    Raises:
        ChurnError: the dispatcher cannot start.
    """
    state = State(given.state)
    service = Service(given.token_file, Dispatching(state, github(given)))
    service.check()
    state.check()
    config = uvicorn.Config(
        application(service),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
    )
    with _listening(given.host, given.port) as listener:
        logging.getLogger("churn.dispatcher").info(
            "listening on %s:%d, dispatching to %s", given.host, given.port, given.repository
        )
        uvicorn.Server(config).run(sockets=[listener])


def github(given: argparse.Namespace) -> GitHub:
    """The repository to dispatch to.

    Raises:
        UnusableRepository: it is not named.
        UnsafeApiUrl: it would be sent its token in the clear.
    """
    if not re.fullmatch(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", given.repository):
        raise UnusableRepository(given.repository)
    try:
        url = urlsplit(given.api_url)
        is_safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in THIS_MACHINE)
    except ValueError:
        raise UnsafeApiUrl from None
    if not is_safe or not url.hostname or url.query or url.fragment or url.username:
        raise UnsafeApiUrl
    return GitHub(given.api_url.rstrip("/"), given.repository, given.github_token_file)


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        AddressTaken: it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError:
        raise AddressTaken(host, port, "PORT") from None
