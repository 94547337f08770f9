"""Episodes: each begins once, whatever comes late, twice or never; none holds back for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.dispatcher.episodes import LONGEST, MOST, TOLERANCE, Episode, after, begins, pruned
from deploy.dispatcher.notifications import Notification
from tests.deploy.dispatcher.running import NOW, alert, notification

FIRST = timedelta(days=1)  # before now, the alert of `known`


def heard(*alerts: dict[str, Any], **more: Any) -> Notification:
    return Notification.model_validate(notification("v1", *alerts, **more))


def started(before_now: timedelta, status: str = "firing") -> dict[str, Any]:
    return alert(before_now.total_seconds() / 60, status)


def known(*, is_over: bool = False, age: timedelta = FIRST) -> Episode:
    return Episode(dispatched_at=NOW - age, last_start=NOW - FIRST, is_over=is_over)


MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("before", "alerts", "is_new"),
    [
        (None, [started(FIRST)], True),
        (None, [started(FIRST, "resolved")], False),
        # The alert that is known, alone or beside a later one, or in its last message.
        (known(), [started(FIRST)], False),
        (known(), [started(FIRST), started(MOMENT)], False),
        (known(), [started(FIRST, "resolved"), started(MOMENT)], False),
        (known(is_over=True), [started(FIRST)], False),
        # Two Prometheus servers do not agree on when it began.
        (known(), [started(FIRST - TOLERANCE)], False),
        # All alerts are later: the end was told, or it was lost.
        (known(is_over=True), [started(FIRST - MOMENT)], True),
        (known(), [started(FIRST - TOLERANCE - MOMENT)], True),
        (known(is_over=True), [started(MOMENT, "resolved")], False),
        # It goes on for too long, or the clock was wrong.
        (known(age=LONGEST), [started(FIRST)], False),
        (known(age=LONGEST + MOMENT), [started(FIRST)], True),
        (known(age=-LONGEST - MOMENT), [started(FIRST)], True),
        (known(age=LONGEST + MOMENT), [started(FIRST, "resolved")], False),
    ],
)
def test_an_episode_begins(before: Episode | None, alerts: list[Any], is_new: bool):
    assert begins(before, heard(*alerts), NOW) == is_new


def test_what_is_remembered():
    fires, ends = heard(started(FIRST), started(MOMENT)), heard(started(FIRST, "resolved"))

    assert after(None, ends, NOW) is None
    assert after(None, fires, NOW) == Episode(dispatched_at=NOW, last_start=NOW - MOMENT)
    # An episode keeps the moment of its training, and learns of later alerts and of its end.
    assert after(known(), fires, NOW) == Episode(dispatched_at=NOW - FIRST, last_start=NOW - MOMENT)
    assert after(known(), ends, NOW) == known(is_over=True)
    # What is late opens it again, and starts nothing.
    assert after(known(is_over=True), heard(started(FIRST)), NOW) == known()


def test_an_end_is_none_as_long_as_alerts_are_not_listed():
    assert after(known(), heard(started(FIRST, "resolved"), truncatedAlerts=3), NOW) == known()


STARTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=6, unique=True)


@given(starts=STARTS, data=st.data())
def test_an_episode_begins_once_whatever_is_lost_doubled_or_late(
    starts: list[int], data: st.DataObject
):
    # Given an episode whose alerts begin one after the other, each told beside those before,
    times = [NOW - timedelta(minutes=one) for one in sorted(starts, reverse=True)]
    alerts = [{**alert(), "startsAt": one.isoformat()} for one in times]
    told = [heard(*alerts[: i + 1]) for i in range(len(alerts))]
    told.append(heard(*({**one, "status": "resolved"} for one in alerts)))
    # when any of it arrives, in any order,
    arrived = data.draw(st.lists(st.sampled_from(told), min_size=1, max_size=20))
    memory: Episode | None = None
    begun = 0
    for one in arrived:
        begun += begins(memory, one, NOW)
        memory = after(memory, one, NOW)
    # then it has begun once, if it has been heard to fire at all.
    assert begun == any(one.status == "firing" for one in arrived)
    # A later alert begins another one, once all of the first has been told.
    if arrived[-1] is told[-1] and memory:
        assert memory.is_over
        assert begins(memory, heard({**alert(), "startsAt": "2999-01-01T00:00:00Z"}), NOW)


def test_only_what_can_hold_back_is_kept_and_not_too_much_of_it():
    old = {"old": known(age=LONGEST + MOMENT), "from the future": known(age=-LONGEST - MOMENT)}
    many = {f"v{i}": known(age=timedelta(minutes=i)) for i in range(MOST + 5)}
    kept = pruned({**old, **many}, NOW)
    assert set(kept) == {f"v{i}" for i in range(MOST)}


def test_a_time_without_a_zone_is_no_time():
    with pytest.raises(ValueError, match="should have timezone info"):
        Episode.model_validate({"dispatched_at": NOW, "last_start": NOW.replace(tzinfo=None)})
