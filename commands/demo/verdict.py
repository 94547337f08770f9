"""Whether the demo shows what it should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from churn.story import LAST, Story
from commands.demo.play import Sent

# Days after the shift within which there must be an alarm.
WITHIN = 4


def mistakes(story: Story, failed: list[str], sent: list[Sent], logged: pa.Table) -> Iterator[str]:
    """All that is not as it should be, in words.

    Args:
        story: the days.
        failed: what was answered instead of 200.
        sent: the customers of every day.
        logged: all that was logged meanwhile.
    """
    if failed:
        yield f"{len(failed)} requests failed, the first: {failed[0]}"
    counts = Counter(logged["prediction_id"].to_pylist())
    ids = [one for day in sent for one in day.predictions]
    if wrong := sum(counts[one] != 1 for one in ids):
        yield f"of {len(ids)} predictions, {wrong} are not in the log once"
    yield from _of_alarm(story)
    yield from _of_model(story)


def _of_alarm(story: Story) -> Iterator[str]:
    if story.alarm is None:
        yield "there was no alarm"
    elif story.alarm < story.shift:
        reasons = "; ".join(story.days[story.alarm - 1].check.decision.reasons)
        yield f"an alarm on day {story.alarm}, before the shift on day {story.shift}: {reasons}"
    elif story.alarm > story.shift + WITHIN:
        late = story.alarm - story.shift
        yield f"the alarm came {late} days after the shift; {WITHIN} are allowed"


def _of_model(story: Story) -> Iterator[str]:
    if story.retrained is None:
        yield "no new model was made"
        return
    if story.retrained.day > len(story.days) - LAST + 1:
        yield f"the new model came on day {story.retrained.day}, too late to be judged"
        return
    new, old = story.last(lambda day: day.served), story.last(lambda day: day.first_model)
    if new["accuracy"] <= old["accuracy"]:
        yield f"accuracy is not back: {new['accuracy']:.3f}, the old model's {old['accuracy']:.3f}"
    if new["log_loss"] >= old["log_loss"]:
        yield f"log loss is not back: {new['log_loss']:.3f}, the old model's {old['log_loss']:.3f}"
