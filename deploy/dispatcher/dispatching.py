"""What becomes of a notification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from deploy.dispatcher.episodes import after, begins, pruned
from deploy.dispatcher.github import GitHub
from deploy.dispatcher.notifications import Notification
from deploy.dispatcher.payload import client_payload
from deploy.dispatcher.state import State

DISPATCHED, REPEATED, RESOLVED = RESULTS = ("dispatched", "repeated", "resolved")


@dataclass(frozen=True)
class Dispatching:
    """Starts one training an episode."""

    state: State
    github: GitHub

    def take(self, notification: Notification) -> str:
        """Start a training if an episode begins, and remember it if that has succeeded.

        One notification at a time: a second one of the same episode waits, and then finds it begun.
        If the process is killed after GitHub has said yes and before that is on the disk, the
        episode is dispatched once more; the other way round, it might never be.

        Returns:
            one of `RESULTS`.
        Raises:
            NotDispatched: GitHub did not take it.
            UnusableSecret: there is no token for GitHub.
            UnusableState: what is known cannot be read or kept.
        """
        version = notification.model_version
        act: Callable[[], None] = _nothing
        result = RESOLVED if notification.status == "resolved" else REPEATED
        with self.state.held():
            now = datetime.now(UTC)
            episodes = self.state.read()
            known = episodes.get(version)
            if begins(known, notification, now):
                result = DISPATCHED
                act = partial(self.github.dispatch, client_payload(notification))
            episode = after(known, notification, now)
            if episode is not None and episode != known:
                self.state.write(pruned({**episodes, version: episode}, now), act)
        return result


def _nothing() -> None:
    """A notification that starts nothing is only remembered."""
