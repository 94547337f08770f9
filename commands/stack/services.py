"""The services of docker-compose.yml, through docker compose; its own variables say which stack."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from churn.errors import ChurnError, EngineFailed, ServiceDown

PAUSE = 0.2


def compose(*arguments: str, given: str | None = None) -> str:
    """What docker compose prints.

    Args:
        arguments: of docker compose.
        given: its standard input.
    Raises:
        EngineFailed: it failed, or is not there.
    """
    command = f"docker compose {arguments[0]}"
    try:
        done = subprocess.run(
            ["docker", "compose", *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise EngineFailed(command, "there is no command docker") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        raise EngineFailed(command, lines[-1].rstrip("."))
    return done.stdout.strip()


def until(condition: Callable[[], bool], failure: Callable[[], ChurnError], seconds: float) -> None:
    """Wait until something of the stack is as it should be.

    Args:
        condition: what is waited for.
        failure: what is raised if that is not so within so many seconds.
        seconds: to wait.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise failure()
        time.sleep(PAUSE)


def run_in(service: str, *command: str, given: str | None = None) -> str:
    """What a command prints in a service's container.

    Raises:
        EngineFailed: it failed, or the service does not run.
    """
    return compose("exec", "-T", service, *command, given=given)


def address(service: str, port: int) -> str:
    """Where a service's port is published, as `http://host:port`.

    Raises:
        ServiceDown: it does not run.
    """
    try:
        published = compose("port", service, str(port))
    except EngineFailed as error:
        raise ServiceDown(service, error.why) from None
    if not published or published.endswith(":0"):
        raise ServiceDown(service, "it publishes no port")
    host, _, number = published.rpartition(":")
    return f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{number}"  # noqa: S104 - not listened on
