"""A container of the image under test, locked down, and what tests do with it."""

from __future__ import annotations

import http.client
import subprocess
from collections.abc import Mapping, Sequence

from commands.image import engine
from tests.serve.running import Address
from tests.waiting import PATIENCE, until

# As README.md runs it.
LOCKED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
KEY = "0123456789abcdef0123"
KEYS = {"CHURN_API_KEYS": f"tests:{KEY}"}
PYTHON = "/usr/bin/python3"


class Contained(Address):
    """A server in a container.

    Args:
        image: to run.
        options: of docker run, besides those that lock it down.
        environment: of the container, besides a key.
        port: that the container has on this machine; any that is free if none is given.
        arguments: of the server.
    """

    def __init__(
        self,
        image: str,
        *options: str,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        where = [] if port else ["--publish=127.0.0.1::8000"]
        given = with_environment({**KEYS, **(environment or {})})
        told = [*LOCKED, *where, *given, *options, image, *arguments]
        self.id = engine.docker("run", "--detach", *told)
        try:
            super().__init__(port or int(self._published()), X_API_Key=KEY)
            until(self.is_ready, "ready")
        except BaseException:
            self.remove()
            raise

    def _published(self) -> str:
        return engine.docker("port", self.id, "8000").rpartition(":")[2]

    def is_ready(self) -> bool:
        """Whether `/ready` says so; fails if the container has ended."""
        assert self.state("Running") == "true", self.log()
        try:
            return self.get("/ready").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def state(self, what: str) -> str:
        """A field of the container's state."""
        return engine.docker("inspect", "--format", f"{{{{.State.{what}}}}}", self.id)

    def run(self, code: str) -> str:
        """What Python code prints in the container."""
        return engine.docker("exec", self.id, PYTHON, "-c", code)

    def log(self) -> str:
        """What it has written so far."""
        command = ["docker", "logs", self.id]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
        return done.stdout

    def stop(self) -> int:
        """docker stop, which kills after 5 seconds; the exit code, 137 if it did."""
        engine.docker("stop", "--time=5", self.id)
        return int(self.state("ExitCode"))

    def kill(self) -> None:
        """Kill all its processes."""
        engine.docker("kill", self.id)

    def remove(self) -> None:
        """Remove it, running or not."""
        engine.docker("rm", "--force", self.id)


def place_of(volume: str) -> str:
    """The option of docker run that mounts a volume where the server keeps the log."""
    return f"--volume={volume}:/var/lib/churn"


def with_environment(environment: Mapping[str, str]) -> list[str]:
    """Options of docker run."""
    return [f"--env={name}={value}" for name, value in environment.items()]


def refused(
    image: str, *options: str, arguments: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a container that should end by itself, and see how."""
    command = ["docker", "run", "--rm", *options, image, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
