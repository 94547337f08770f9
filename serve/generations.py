"""Generations of models: how all processes change to new ones at the same moment.

The main process copies the bundles of a new generation into the server's own folder; every process
loads and checks them there and says so; then one number in shared memory changes, and with it the
models of every process. A process that starts later loads the generation that serves.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from churn.atomic import write_bytes
from churn.bundle import Bundle
from churn.errors import CannotSplit, ChurnError, NoRoom, NotLoaded, SameVersion
from churn.model_sources import Source
from churn.settings import ChallengerSettings
from serve.compatible import refuse_incompatible
from serve.keys import Key, Keyring
from serve.models import Lineup, Model
from serve.shared import NEWEST, SERVES, Shared

POLL = 0.05
PATIENCE = 10.0
ROLES = ("champion", "challenger")
logger = logging.getLogger("churn.models")


@dataclass(frozen=True)
class Wanted:
    """What a new generation is to be made of: the champion first, then the challenger if any."""

    sources: Sequence[Source]
    keys: Sequence[Key]


@dataclass(frozen=True)
class Generation:
    """What serves, as one process has loaded it.

    Attributes:
        number: of the generation.
        lineup: the models.
        keyring: who is let in.
        evaluation: what was measured of the champion; None if that is not known.
    """

    number: int
    lineup: Lineup
    keyring: Keyring
    evaluation: Mapping[str, Any] | None


def _folder(shared: Shared, number: int) -> Path:
    return shared.folder / f"generation-{number}"


def _write(shared: Shared, number: int, wanted: Wanted) -> None:
    folder = _folder(shared, number)
    try:
        for role, source in zip(ROLES, wanted.sources, strict=False):
            Bundle.load(source.folder).save(folder / role)
        content = {
            "versions": [one.version for one in wanted.sources],
            "created": [one.created for one in wanted.sources],
            "evaluation": wanted.sources[0].evaluation,
            "keys": [asdict(one) for one in wanted.keys],
        }
        write_bytes(folder / "generation.json", orjson.dumps(content))
    except OSError as error:
        raise NoRoom(shared.folder, str(error.strerror)) from None


def load(shared: Shared, number: int, settings: ChallengerSettings) -> Generation:
    """Load a generation from the server's own folder.

    Raises:
        ChurnError: a bundle is broken, does not score its golden rows as it should, or does not
            fit the other.
    """
    folder = _folder(shared, number)
    content = orjson.loads((folder / "generation.json").read_bytes())
    models = [
        Model.load(folder / role, version, created)
        for role, version, created in zip(
            ROLES, content["versions"], content["created"], strict=False
        )
    ]
    champion, challenger = models[0], models[1] if len(models) > 1 else None
    if challenger is not None:
        if challenger.version == champion.version:
            raise SameVersion(champion.version)
        own, other = (one.bundle.manifest.contract for one in (champion, challenger))
        refuse_incompatible(challenger.version, other, own)
        if settings.mode == "split" and own.id is None:
            raise CannotSplit(own.name)
    keys = Keyring([Key(**one) for one in content["keys"]])
    return Generation(number, Lineup(champion, challenger, settings), keys, content["evaluation"])


class Follower:
    """What serves, in one process; a thread of its own loads what comes next.

    Args:
        shared: with the main process.
        slot: of this process in `Shared.loaded`.
        settings: of the challenger.
    """

    def __init__(self, shared: Shared, slot: int, settings: ChallengerSettings) -> None:
        self._shared = shared
        self._slot = slot
        self._settings = settings
        self._now = self._next = load(shared, shared.generation[SERVES], settings)
        shared.loaded[slot] = self._now.number
        threading.Thread(target=self._follow, daemon=True, name="follower").start()

    def now(self) -> Generation:
        """The generation that serves: every process changes to a new one at the same moment."""
        serves = self._shared.generation[SERVES]
        if serves != self._now.number:
            is_ready = self._next.number == serves
            self._now = self._next if is_ready else load(self._shared, serves, self._settings)
        return self._now

    def _follow(self) -> None:
        seen = self._now.number
        while not self._shared.stopping[0]:
            time.sleep(POLL)
            if (newest := self._shared.generation[NEWEST]) > seen:
                self._shared.loaded[self._slot] = newest if self._has_loaded(newest) else -newest
                seen = newest

    def _has_loaded(self, number: int) -> bool:
        try:
            self._next = load(self._shared, number, self._settings)
        except (ChurnError, OSError):
            logger.exception("generation %d was not loaded", number)
            return False
        return True


class Coordinator:
    """Brings new generations into service, in the main process.

    Args:
        shared: with all processes.
        wanted: finds out what is to be served now.
        settings: of the challenger.
    """

    def __init__(
        self, shared: Shared, wanted: Callable[[], Wanted], settings: ChallengerSettings
    ) -> None:
        self._shared = shared
        self._wanted = wanted
        self._settings = settings
        self._number = 0
        self._served: Generation | None = None

    def now(self) -> Generation:
        """The generation that serves; there is one after the first `bring`."""
        assert self._served is not None  # noqa: S101 - nothing is started before
        return self._served

    def bring(self, processes: Callable[[], Mapping[int, str]]) -> Generation:
        """Load what is wanted now, check it, and have every process serve it.

        Args:
            processes: the slots that hold models, with the names of their processes.
        Raises:
            ChurnError: it is not fit to serve; what served before serves on.
        """
        self._number += 1
        try:
            _write(self._shared, self._number, self._wanted())
            new = load(self._shared, self._number, self._settings)
            if self._served:
                new_contract, old_contract = (
                    one.lineup.champion.bundle.manifest.contract for one in (new, self._served)
                )
                refuse_incompatible(new.lineup.champion.version, new_contract, old_contract)
            self._shared.generation[NEWEST] = self._number
            self._wait_for(processes)
        except ChurnError:
            self._shared.generation[NEWEST] = self._shared.generation[SERVES]
            shutil.rmtree(_folder(self._shared, self._number), ignore_errors=True)
            raise
        self._shared.generation[SERVES] = self._number
        if self._served:
            shutil.rmtree(_folder(self._shared, self._served.number), ignore_errors=True)
        self._served = new
        return new

    def _wait_for(self, processes: Callable[[], Mapping[int, str]]) -> None:
        """Wait until every process has loaded the newest generation.

        Raises:
            NotLoaded: one could not, or takes too long.
        """
        end = time.monotonic() + PATIENCE
        while True:
            # Not by name: LitServe gives all of its workers the same.
            loaded = [(self._shared.loaded[i], name) for i, name in processes().items()]
            for number, name in loaded:
                if number == -self._number or (number != self._number and time.monotonic() > end):
                    raise NotLoaded(name)
            if all(number == self._number for number, _ in loaded):
                return
            time.sleep(POLL)
