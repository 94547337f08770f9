"""What takes long to make is made once, for all processes of pytest-xdist."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable

import pytest

from tests.checkout import Checkout


def made_once(
    name: str, factory: pytest.TempPathFactory, make: Callable[[Checkout], object]
) -> Checkout:
    """A checkout of that name for this process: a copy of what one of them has made.

    Args:
        name: of a folder, beside those of the processes.
        factory: of this process's folders.
        make: fills the folder, which is not there yet.
    """
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    made, done = Checkout(place / name), place / f"{name}.done"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(made.folder, ignore_errors=True)
            make(made)
            done.touch()
    return made.copied(factory.mktemp(name) / "checkout")
