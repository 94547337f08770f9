"""Champion against challenger: may a new model take the place of the one that serves?

Both are measured on the same customers and the same resamples, so that differences are paired: what
makes every model look good or bad on these customers cancels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from churn import bootstrap
from churn.bootstrap import Sample
from churn.columns import Columns
from churn.contract import Contract
from churn.errors import TooFewInCommon
from churn.metrics import LOSSES, Floats
from churn.settings import EvaluateSettings
from churn.slices import FALSE_ALARM, Part, is_measurable, parts

Verdict = Literal["better", "no worse", "worse", "cannot tell yet"]
# Nobody waits for more customers than so many times those at hand.
MOST_TIMES = 100


@dataclass(frozen=True)
class Candidate:
    """What one of the two models says of the customers: scores (n,), decision threshold."""

    scores: Floats
    threshold: float


@dataclass(frozen=True)
class Change:
    """A metric of both models, challenger minus champion, and the 95 % interval of that."""

    champion: float
    challenger: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Gain:
    """A difference turned such that more is better, with its 95 % interval.

    Attributes:
        value, low, high: in the units of the metric.
        margin: the least gain that matters, in the same units; 0 or more.
    """

    value: float
    low: float
    high: float
    margin: float

    @classmethod
    def of(cls, change: Change, metric: str, margin: float) -> Gain:
        """The change of a metric as a gain."""
        if metric in LOSSES:
            return cls(-change.difference, -change.high, -change.low, margin)
        return cls(change.difference, change.low, change.high, margin)

    @property
    def verdict(self) -> Verdict:
        """`better` and `worse` where no difference is ruled out.

        `no worse` where a loss as big as the margin is.
        """
        if self.low > 0:
            return "better"
        if self.high < 0:
            return "worse"
        return "no worse" if self.low > -self.margin else "cannot tell yet"

    def more_customers(self, n: int) -> int | None:
        """How many more customers would tell, if the difference stays as it is on these n.

        An interval shrinks with the square root of their number, until it leaves out either 0 on
        the side of a loss, or a loss as big as the margin.

        Returns:
            None where not even `MOST_TIMES` as many would do.
        """
        ways = [
            (self.value - self.low, self.value + self.margin),
            (self.high - self.value, -self.value),
        ]
        shrink = min((arm / space for arm, space in ways if space > 0), default=math.inf)
        if shrink > math.sqrt(MOST_TIMES):
            return None
        return max(1, math.ceil(n * (shrink**2 - 1)))


@dataclass(frozen=True)
class GuardedSlice:
    """The deciding metric on one slice, and whether the challenger loses there beyond chance."""

    column: str
    level: str
    n: int
    champion: float
    challenger: float
    loss: bool


@dataclass(frozen=True)
class Comparison:
    """What the challenger changes, and whether it may be promoted.

    Attributes:
        n, churners: customers compared on.
        metric: the one that decides.
        changes: by metric.
        slices: the guarded ones that have enough customers of both outcomes.
        verdict: on the deciding metric.
        more_customers: how many more would tell; None where the verdict does, or where 100 times
            as many would not.
        promote: whether the challenger may take the champion's place.
        reasons: why, or why not.
    """

    n: int
    churners: int
    metric: str
    changes: Mapping[str, Change]
    slices: tuple[GuardedSlice, ...]
    verdict: Verdict
    more_customers: int | None
    promote: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """Every metric of both models on the same rows, and of every resample, (resamples,)."""

    champion: Mapping[str, Floats]
    challenger: Mapping[str, Floats]
    champion_drawn: Mapping[str, Floats]
    challenger_drawn: Mapping[str, Floats]

    def change(self, name: str) -> Change:
        old, new = float(self.champion[name][0]), float(self.challenger[name][0])
        return Change(old, new, new - old, *bootstrap.interval(self.drawn(name)))

    def drawn(self, name: str) -> Floats:
        """Challenger minus champion."""
        return self.challenger_drawn[name] - self.champion_drawn[name]


def compare(
    columns: Columns,
    labels: Floats,
    champion: Candidate,
    challenger: Candidate,
    contract: Contract,
    settings: EvaluateSettings,
) -> Comparison:
    """Compare two models on customers that neither has learnt from.

    The challenger may be promoted if it gains at least `min_gain` on `metric`, as a share of the
    champion's value, if that gain is more than chance, and if there is no guarded slice on which it
    loses more than by chance (one-sided, Holm's step-down over the slices).

    Args:
        columns: the contract's columns, each (n,).
        labels: (n,), 1 for churners, 0 for others.
        champion, challenger: what the two say of these customers.
        contract: by whose columns they are sliced.
        settings: the `evaluate` group.
    Raises:
        TooFewInCommon: fewer than five customers of either outcome.
    """
    if not is_measurable(labels):
        raise TooFewInCommon(len(labels), int(labels.sum()))
    guarded = _guarded(columns, labels, contract, settings)
    whole, *pairs = _pairs(labels, champion, challenger, guarded, settings)
    changes = {name: whole.change(name) for name in whole.champion}
    slices = _on_slices(guarded, pairs, settings.metric)
    change = changes[settings.metric]
    gain = gain_of(change, settings)
    more = gain.more_customers(len(labels)) if gain.verdict == "cannot tell yet" else None
    checks = [
        _is_big_enough(gain, change, settings),
        (gain.verdict == "better", _in_words(gain, more, len(labels))),
        *_keeps_every_slice(slices, settings.metric),
    ]
    promote = all(passed for passed, _ in checks)
    return Comparison(
        n=len(labels),
        churners=int(labels.sum()),
        metric=settings.metric,
        changes=changes,
        slices=slices,
        verdict=gain.verdict,
        more_customers=more,
        promote=promote,
        reasons=tuple(told for passed, told in checks if passed == promote),
    )


def gain_of(change: Change, settings: EvaluateSettings) -> Gain:
    """The change of the deciding metric as a gain, with `min_gain` as its margin."""
    return Gain.of(change, settings.metric, settings.min_gain * abs(change.champion))


def _guarded(
    columns: Columns, labels: Floats, contract: Contract, settings: EvaluateSettings
) -> list[Part]:
    wanted = contract.sliced_columns if settings.guard is None else settings.guard
    found = [one for one in parts(columns, contract) if one.column in wanted]
    return [one for one in found if is_measurable(labels[one.rows])]


def _pairs(
    labels: Floats,
    champion: Candidate,
    challenger: Candidate,
    guarded: Sequence[Part],
    settings: EvaluateSettings,
) -> list[_Pair]:
    """Both models on all rows, then on each slice."""
    rows = (None, *(part.rows for part in guarded))
    old, new = (
        [Sample(labels, one.scores, one.threshold, some) for some in rows]
        for one in (champion, challenger)
    )
    drawn = bootstrap.resampled([*old, *new], len(labels), settings.resamples, settings.seed)
    values = [[sample.measure() for sample in samples] for samples in (old, new)]
    return [*map(_Pair, *values, drawn[: len(rows)], drawn[len(rows) :])]


def _on_slices(
    guarded: Sequence[Part], pairs: Sequence[_Pair], metric: str
) -> tuple[GuardedSlice, ...]:
    sign = 1 if metric in LOSSES else -1
    changes = [pair.change(metric) for pair in pairs]
    losses = [
        sign * bootstrap.standard_score(change.difference, pair.drawn(metric))
        for change, pair in zip(changes, pairs, strict=True)
    ]
    marks = bootstrap.significant(np.array(losses), FALSE_ALARM)
    return tuple(
        GuardedSlice(
            part.column, part.level, len(part.rows), change.champion, change.challenger, bool(mark)
        )
        for part, change, mark in zip(guarded, changes, marks, strict=True)
    )


def _is_big_enough(gain: Gain, change: Change, settings: EvaluateSettings) -> tuple[bool, str]:
    size = f" of {abs(gain.value / change.champion):.1%}" if change.champion else ""
    kind = "no change" if gain.value == 0 else ("a gain" if gain.value > 0 else "a loss") + size
    return gain.value >= gain.margin, (
        f"{settings.metric} goes from {change.champion:.4f} to {change.challenger:.4f}, {kind}; "
        f"evaluate.min_gain asks for a gain of {settings.min_gain:.1%}"
    )


def _in_words(gain: Gain, more: int | None, n: int) -> str:
    if gain.verdict == "better":
        return "the gain is more than chance"
    if gain.verdict == "worse":
        return "the loss is more than chance"
    if gain.verdict == "no worse":
        return "the difference may be chance, though a loss that matters is ruled out"
    if more is None:
        return f"{n} customers cannot tell the two apart, nor would {MOST_TIMES} times as many"
    return f"{n} customers cannot tell the two apart; about {more} more would"


def _keeps_every_slice(slices: Sequence[GuardedSlice], metric: str) -> list[tuple[bool, str]]:
    lost = [
        (
            False,
            f"it loses where {one.column} is {one.level} ({one.n} customers): {metric} "
            f"{one.champion:.4f} before, {one.challenger:.4f} now",
        )
        for one in slices
        if one.loss
    ]
    return lost or [(True, f"it loses on none of {len(slices)} guarded slices")]
