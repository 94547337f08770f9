"""What happened day by day in a world whose truth is known: the material of `make demo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn import metrics
from churn.monitoring import Check

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
# Days over which the truth is averaged, as the check looks back.
WINDOW = 7
# At the end, over which the new model is held against the old one.
LAST = 10


@dataclass(frozen=True)
class Said:
    """What a model says of the customers of a day: probabilities (n,), and who is flagged (n,)."""

    scores: Floats
    flags: Flags


@dataclass(frozen=True)
class Day:
    """One day.

    Attributes:
        probability: true probabilities of the customers (n,), which no model knows.
        churned: what becomes of them (n,), known to the log only later.
        served: what they were answered.
        first_model: what the model of the first day says of them.
        check: what was found in the log on the evening of the day.
    """

    probability: Floats
    churned: Flags
    served: Said
    first_model: Said
    check: Check


@dataclass(frozen=True)
class Retrained:
    """`day`: in which the new model takes over; `customers`: that it has learnt from."""

    day: int
    customers: int


@dataclass(frozen=True)
class Story:
    """All days, the first one being day 1.

    Attributes:
        days: in their order.
        shift: the first day of the other world.
        delay: days until an outcome is known.
        retrained: the new model; None if there was no reason for one.
        failed: requests that were not answered as they should be.
    """

    days: Sequence[Day]
    shift: int
    delay: int
    retrained: Retrained | None
    failed: int

    @property
    def alarms(self) -> list[int]:
        """Days on whose evening there was a reason to train again."""
        return [number for number, day in enumerate(self.days, 1) if day.check.decision.retrain]

    @property
    def first_reasons(self) -> list[tuple[int, str]]:
        """Every reason to train again, on the first day on which there was one of its subject."""
        first: dict[str, tuple[int, str]] = {}
        for number, day in enumerate(self.days, 1):
            for reason in day.check.decision.reasons:
                first.setdefault(reason.split(" has drifted")[0].split(" is ")[0], (number, reason))
        return [*first.values()]

    @property
    def alarm(self) -> int | None:
        """The first of them."""
        return next(iter(self.alarms), None)

    def truth(self, of: Callable[[Day], float]) -> Floats:
        """A daily figure as its mean over the last `WINDOW` days, (days,).

        A mean begins anew where the world or the model changes, or it would blur what that does;
        on the day on which a new model takes over, both answer.
        """
        values = np.array([of(day) for day in self.days])
        breaks = [1, self.shift]
        if self.retrained:
            breaks += [self.retrained.day, self.retrained.day + 1]
        return np.array([values[start:end].mean() for start, end in _windows(breaks, len(values))])

    def last(self, of: Callable[[Day], Said]) -> dict[str, float]:
        """Metrics of what was said in the `LAST` days, against the true outcomes."""
        days = self.days[-LAST:]
        labels = np.concatenate([day.churned for day in days]).astype(np.float64)
        scores = np.concatenate([of(day).scores for day in days])
        flags = np.concatenate([of(day).flags for day in days])
        return {
            "accuracy": float((flags == labels.astype(np.bool_)).mean()),
            "log_loss": float(metrics.log_losses(labels, scores).mean()),
        }


def _windows(breaks: Sequence[int], days: int) -> Iterator[tuple[int, int]]:
    for end in range(1, days + 1):
        yield max(end - WINDOW, max(one for one in breaks if one <= end) - 1), end


def accuracy(day: Day, said: Said) -> float:
    """Expected share of right decisions, over all that may become of the customers."""
    return float(np.where(said.flags, day.probability, 1 - day.probability).mean())


def log_loss(day: Day, scores: Floats) -> float:
    """Expected log loss of probabilities (n,), over all that may become of the customers."""
    ones, zeros = np.ones(len(scores)), np.zeros(len(scores))
    left, stayed = (metrics.log_losses(labels, scores) for labels in (ones, zeros))
    return float((day.probability * left + (1 - day.probability) * stayed).mean())


def best(day: Day) -> Said:
    """What nobody could better: the true probabilities, and the likelier outcome."""
    return Said(day.probability, day.probability >= 0.5)
