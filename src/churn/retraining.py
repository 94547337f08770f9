"""Whether the model is to be made anew, and why. Pure: the age is told, no clock is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from churn.drift import Comparison
from churn.quality import Quality
from churn.settings import DriftSettings

# Of fewer customers, drift is no reason: make bench-drift measures false alarms from here on.
FEWEST = 200


@dataclass(frozen=True)
class Decision:
    """`retrain`: whether to; `reasons`: each with its numbers, none where there is no need."""

    retrain: bool
    reasons: tuple[str, ...]


def decide(
    comparison: Comparison,
    quality: Quality | None,
    age_days: float,
    asked: bool,
    settings: DriftSettings,
) -> Decision:
    """Weigh every reason to train again; one is enough.

    Args:
        comparison: current customers against those that the model learnt from.
        quality: measured against the baseline; None where outcomes are not known.
        age_days: since the model was made.
        asked: whether somebody asks for it.
        settings: bounds of all these.
    """
    reasons = (
        *_drifted(comparison, settings.alarm),
        *_fallen(quality, settings.max_fall),
        *_old(age_days, settings.max_age_days),
        *(["asked for"] if asked else []),
    )
    return Decision(bool(reasons), reasons)


def _drifted(comparison: Comparison, alarm: float) -> Iterator[str]:
    if comparison.rows < FEWEST:
        return
    for name, one in comparison.drifts.items():
        if one.level == "alarm":
            yield f"{name} has drifted: PSI {one.psi:.3f}, alarm from {alarm:g}"


def _fallen(quality: Quality | None, max_fall: float) -> Iterator[str]:
    for name, one in quality.metrics.items() if quality else ():
        if one.fallen:
            yield (
                f"{name} is worse by {one.fall:.3f}: {one.value:.3f} against {one.baseline:.3f},"
                f" on {one.n:,} customers; {max_fall:g} is allowed"
            )


def _old(age_days: float, max_age_days: float) -> Iterator[str]:
    if age_days > max_age_days:
        yield f"the model is {age_days:.0f} days old; {max_age_days:g} are allowed"
