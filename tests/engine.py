"""The container engine of whoever runs the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from churn.errors import ChurnError
from commands.image import engine

# Before the tests get a home of their own: there are the engine's address and its plugins.
CONFIG = os.environ.get("DOCKER_CONFIG") or str(Path.home() / ".docker")


@contextmanager
def users_engine(*ours: str) -> Iterator[None]:
    """Talk to it; the tests end at once if there is none.

    Args:
        ours: variables of the environment that would change what is tested.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", CONFIG)
        for name in ours:
            patch.delenv(name, raising=False)
        try:
            engine.require()
        except ChurnError as error:
            pytest.exit(f"error: {error}", returncode=1)
        yield


def remove_images(name: str) -> None:
    """Remove all images of a name."""
    if images := engine.docker("images", "--quiet", "--no-trunc", name).split():
        engine.docker("rmi", "--force", *{*images})
