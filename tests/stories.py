"""Stories of the demo, made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from churn.drift import Comparison, Drift
from churn.estimation import Estimated
from churn.monitoring import Check
from churn.retraining import Decision
from churn.story import Day, Retrained, Said, Story


def day(
    *reasons: str,
    probability: Any = None,
    scores: Any = None,
    first: Any = None,
    churned: Any = None,
    psi: float = 0.01,
) -> Day:
    """A day of four customers or as many as are told, with these reasons to train again."""
    scores = np.array([0.1, 0.3, 0.6, 0.8]) if scores is None else scores
    probability = scores if probability is None else probability
    first = scores if first is None else first
    churned = probability > 0.5 if churned is None else churned
    drift = Drift(psi, 0.02, 0.5, "ok", ("a",), (1.0,), (1.0,))
    found = Check(
        scored=len(scores),
        known=0,
        comparison=Comparison(len(scores), {"age": drift}),
        quality=None,
        estimated=Estimated(len(scores), None, "few"),
        decision=Decision(bool(reasons), reasons),
    )
    said, before = (Said(one, one >= 0.5) for one in (scores, first))
    return Day(probability, churned, said, before, found)


def story(
    days: Sequence[Day], shift: int = 20, retrained: Retrained | None = None, failed: int = 0
) -> Story:
    """The story of these days."""
    return Story(days, shift, 14, retrained, failed)


def good_story(alarm: int = 23, **changes: Any) -> Story:
    """As the demo should go: a shift on day 20, an alarm, a better model on day 45."""
    better, worse = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.6, 0.1, 0.9, 0.4])
    churned = np.array([False, False, True, True])
    calm = [day(churned=churned, scores=better) for _ in range(alarm - 1)]
    loud = [
        day("age has drifted: PSI 0.300, alarm from 0.25", churned=churned, scores=worse, psi=0.3)
        for _ in range(45 - alarm)
    ]
    new = [day(churned=churned, scores=better, first=worse) for _ in range(16)]
    return story([*calm, *loud, *new], **{"retrained": Retrained(45, 1600)} | changes)
