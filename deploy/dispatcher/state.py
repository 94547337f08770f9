"""The file that says which alarms have been dispatched: JSON, written whole, one user at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from churn.atomic import write_whole
from deploy.dispatcher.episodes import Episode
from deploy.dispatcher.errors import UnusableState

EPISODES = TypeAdapter(dict[str, Episode])


class State:
    """Episodes by model version, in a file.

    Args:
        path: of the file; nothing was dispatched as long as there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Read it, and write what was read.

        Raises:
            UnusableState: either is impossible.
        """
        with self.held():
            self.write(self.read(), act=lambda: None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it from everybody else, in this process and others, until the end.

        Raises:
            UnusableState: the folder cannot be written.
        """
        lock = self._path.with_name(f"{self._path.name}.lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("ab")
        except OSError as error:
            raise UnusableState(lock, str(error.strerror)) from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self) -> dict[str, Episode]:
        """The episodes.

        Raises:
            UnusableState: the file cannot be read, or holds something else.
        """
        try:
            return EPISODES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UnusableState(self._path, str(error.strerror)) from None
        except ValidationError as error:
            raise UnusableState(self._path, f"it is broken ({error.errors()[0]['msg']})") from None

    def write(self, episodes: dict[str, Episode], act: Callable[[], None]) -> None:
        """Write the episodes, act, and let them be true if that has succeeded.

        They are on the disk before anything is done: on a full disk, what is done and forgotten
        would be done again and again.

        Raises:
            UnusableState: they cannot be written.
        """
        content = EPISODES.dump_json(episodes, indent=1)

        def fill(unfinished: Path) -> None:
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            act()

        try:
            write_whole(self._path, fill)
        except OSError as error:
            raise UnusableState(self._path, str(error.strerror)) from None
