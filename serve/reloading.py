"""`/admin/reload`: another model, without a pause."""

from __future__ import annotations

import asyncio

import orjson

from serve import errors
from serve.http import Answer, Request
from serve.shared import ASKED, DONE, Shared

# The key of this name, and no other, may command the server.
ADMIN = "admin"
POLL = 0.05
# Characters of the reason why nothing was changed.
LONGEST = 1000


def ask(shared: Shared) -> int:
    """Ask the main process to bring what is wanted now into service; the number of the request."""
    shared.reload[ASKED] += 1
    return int(shared.reload[ASKED])


def say(shared: Shared, number: int, version: str | None, why: str | None) -> None:
    """Say how a request ended: with this version, or with nothing changed and why."""
    told = {"version": version, "why": why and why[:LONGEST]}
    shared.said.value = orjson.dumps(told)
    shared.reload[DONE] = number


class Reloading:
    """Passes requests for another model on to the main process."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def reload(self, request: Request) -> Answer:
        """Ask for it, and answer when it has happened."""
        request.query({})
        if request.key != ADMIN:
            raise errors.NeedsAdminKey
        number = ask(self._shared)
        while self._shared.reload[DONE] < number:
            await asyncio.sleep(POLL)
        result = orjson.loads(self._shared.said.value)
        if result["why"]:
            raise errors.ReloadRefused(result["why"])
        return Answer.json({"model_version": result["version"]})
