"""The groups of what follows training: evaluate, tracking, drift."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from churn.contract import Frozen, Number, Whole
from churn.settings.common import Seed, Share


class MoneySettings(Frozen):
    """What the report assumes of a retention campaign.

    Attributes:
        margin: what a customer brings, in `currency` a month.
        offer_cost: of contacting one customer with an offer, whether it is taken up or not.
        acceptance: share of the churners contacted who stay because of it.
        months_kept: how long they stay.
        outcome_months: the span that the target covers: who churns in it counts as a churner.
        currency: for the words only.
    """

    margin: Annotated[Number, Field(gt=0)]
    offer_cost: Annotated[Number, Field(gt=0)]
    acceptance: Annotated[Number, Field(gt=0, le=1)]
    months_kept: Annotated[Number, Field(gt=0)]
    outcome_months: Annotated[Number, Field(gt=0)]
    currency: str


class LeakSettings(Frozen):
    """Above what a suspicion is an alarm.

    Attributes:
        auc: ROC-AUC of one feature alone.
        identical: share of the test rows that have an identical row among the training rows.
    """

    auc: Annotated[Number, Field(gt=0.5, le=1)]
    identical: Share


class EvaluateSettings(Frozen):
    """How the bundle is measured.

    Attributes:
        resamples: of the bootstrap behind every interval.
        seed: of its draws.
        metric: that a challenger must win.
        min_gain: by which it must win, as a share of the champion's value.
        guard: columns on whose slices it must not lose; None for all that are sliced.
        money: assumptions of the retention campaign.
        leaks: bounds of the leak alarms.
    """

    resamples: Annotated[Whole, Field(ge=100, le=100_000)]
    seed: Seed
    metric: Literal["roc_auc", "pr_auc", "f1", "log_loss", "brier"]
    min_gain: Share
    guard: tuple[str, ...] | None
    money: MoneySettings
    leaks: LeakSettings


class TrackingSettings(Frozen):
    """Where evaluated models are mirrored: an MLflow store and the experiment in it."""

    uri: Annotated[str, Field(min_length=1)]
    experiment: Annotated[str, Field(min_length=1)]


class DriftSettings(Frozen):
    """When the world has changed, and the model is to be made anew.

    Attributes:
        warning, alarm: PSI from which a column counts as moved.
        false_alarm: share of comparisons without drift in which anything may be called moved.
        max_fall: by which a metric may fall below its baseline.
        max_age_days: how old a model may become.
        window_days: the predictions of how many days are compared with the training rows.
        outcome_days: those of how many days tell the quality, once their outcomes are known.
    """

    warning: Annotated[Number, Field(gt=0)]
    alarm: Annotated[Number, Field(gt=0)]
    false_alarm: Annotated[Number, Field(gt=0, le=0.5)]
    max_fall: Annotated[Number, Field(gt=0, lt=1)]
    max_age_days: Annotated[Number, Field(gt=0)]
    window_days: Annotated[Number, Field(gt=0, le=36_500)]
    outcome_days: Annotated[Number, Field(gt=0, le=36_500)]

    @model_validator(mode="after")
    def _alarm_is_not_below_warning(self) -> Self:
        if self.alarm < self.warning:
            raise ValueError(f"alarm {self.alarm:g} is below warning {self.warning:g}")
        return self
