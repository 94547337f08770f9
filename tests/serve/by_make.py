"""A server as a user starts it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port
from tests.serve.running import OURS, Address
from tests.waiting import until


@contextlib.contextmanager
def served_by_make(folder: Path, log: Path, **variables: str) -> Iterator[Address]:
    """A server that `make serve` starts, as a user does.

    Args:
        folder: of the repository.
        log: the file that what it says goes to.
        variables: of make and of the environment, such as MODEL.
    """
    address = Address(free_port())
    given = {**variables, "PORT": str(address.port)}
    with log.open("w") as file:
        process = subprocess.Popen(
            ["make", "serve", *(f"{name}={value}" for name, value in given.items())],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name not in OURS},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return address.get("/ready").status == 200
        except (OSError, http.client.HTTPException):
            return False

    try:
        until(is_ready, "ready")
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
