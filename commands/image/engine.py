"""The container engine, through its command line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn.errors import EngineFailed, ImageNotFound, NoEngine

# Of how to get help, which is no reason.
HINTS = ("Run 'docker", "See 'docker")


def require() -> None:
    """Check that there is an engine that can build.

    Raises:
        NoEngine: there is none.
    """
    for command in (["docker", "info"], ["docker", "buildx", "version"]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise NoEngine("there is no command docker") from None
        if done.returncode:
            raise NoEngine(_last_line(done.stderr))


def docker(*arguments: str) -> str:
    """What a command prints.

    Raises:
        EngineFailed: it failed.
    """
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineFailed(f"docker {arguments[0]}", _last_line(done.stderr))
    return done.stdout.strip()


def show(*arguments: str) -> None:
    """Run a command that says on standard error what it does.

    Raises:
        EngineFailed: it failed.
    """
    done = subprocess.run(["docker", *arguments], stdout=sys.stderr, check=False)
    if done.returncode:
        raise EngineFailed(f"docker {arguments[0]}", "its last lines, above, say why")


def require_image(name: str) -> str:
    """Check that an image is here; its name.

    Raises:
        ImageNotFound: it is not.
    """
    try:
        docker("image", "inspect", name)
    except EngineFailed:
        raise ImageNotFound(name) from None
    return name


@contextmanager
def created(name: str) -> Iterator[str]:
    """A container of an image, not started: its id.

    Raises:
        EngineFailed: it cannot be made.
    """
    container = docker("create", name)
    try:
        yield container
    finally:
        docker("rm", container)


def copied(container: str, path: str) -> bytes:
    """A file of a container, whether it runs or not.

    Raises:
        EngineFailed: it has none.
    """
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "file"
        docker("cp", f"{container}:{path}", str(target))
        return target.read_bytes()


def _last_line(text: str) -> str:
    lines = [one for one in text.splitlines() if one.strip() and not one.startswith(HINTS)]
    return (lines or ["it says nothing"])[-1].rstrip(".")
