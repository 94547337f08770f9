"""An episode: from the first alert of a model that fires until none does. It starts one training.

A notification is told from an episode's next one by the times at which its alerts began, which
Prometheus gives and keeps, not by the order in which notifications arrive: they come again and
again, late, twice from two Alertmanagers, and the last one of an episode may never come. (Of alerts
that end while they are silenced or inhibited, Alertmanager says nothing.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from churn.contract import Frozen
from deploy.dispatcher.notifications import Notification

# The longest window of the drift rules: an alarm that still fires after so long is about other
# customers altogether than those that the first training saw, so it starts another one. It also
# bounds how long a clock or a file that was wrong can hold back anything.
LONGEST = timedelta(days=7)
# Two Prometheus servers that watch the same model see an alert begin at different times.
TOLERANCE = timedelta(hours=1)
# Of model versions; the one dispatched longest ago is forgotten first.
MOST = 1000


class Episode(Frozen):
    """What is remembered of a model's last episode.

    Attributes:
        dispatched_at: when its training was asked for.
        last_start: when the latest of its alerts began.
        is_over: Alertmanager has said that none of its alerts fires.
    """

    dispatched_at: AwareDatetime
    last_start: AwareDatetime
    is_over: bool = False


def begins(known: Episode | None, notification: Notification, now: datetime) -> bool:
    """Whether a notification begins an episode.

    Args:
        known: the last episode of the model, None if there was none.
        notification: of that model.
        now: with its time zone.
    """
    if notification.status == "resolved":
        return False
    if known is None or abs(now - known.dispatched_at) > LONGEST:
        return True
    # All of its alerts began after everything that is known: if the end was not told, it was lost.
    tolerance = timedelta(0) if known.is_over else TOLERANCE
    return notification.first_start > known.last_start + tolerance


def after(known: Episode | None, notification: Notification, now: datetime) -> Episode | None:
    """What is to be remembered after a notification, and after the training that it has started."""
    if begins(known, notification, now):
        return Episode(dispatched_at=now, last_start=notification.last_start)
    if known is None:
        return None
    return Episode(
        dispatched_at=known.dispatched_at,
        last_start=max(known.last_start, notification.last_start),
        # Where not every alert is listed, those that fire may be among the others.
        is_over=notification.status == "resolved" and not notification.left_out,
    )


def pruned(episodes: Mapping[str, Episode], now: datetime) -> dict[str, Episode]:
    """The episodes, by model version, that can still hold something back."""
    fresh = {
        version: one for version, one in episodes.items() if abs(now - one.dispatched_at) <= LONGEST
    }
    kept = sorted(fresh, key=lambda version: fresh[version].dispatched_at)[-MOST:]
    return {version: fresh[version] for version in sorted(kept)}
