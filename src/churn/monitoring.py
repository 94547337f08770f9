"""Is it time to train again? What the prediction log says of the model that answers.

Drift is measured on every customer of a recent period, whichever model answered; the score, the
quality and its estimate on those whom this model answered. Each customer counts once, as last asked
about: ten predictions for one customer are not ten customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from churn.bundle import Bundle
from churn.drift import Comparison, compare
from churn.estimation import Estimated, estimate
from churn.log_source import columns_of, last_of_each
from churn.quality import Quality, quality
from churn.retraining import Decision, decide
from churn.settings import DriftSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Watched:
    """The model that is watched.

    Attributes:
        bundle: the model.
        version: that it answers under.
        age_days: since it was made.
        baseline: each of `quality.METRICS` on the customers held out; None if it is not known.
    """

    bundle: Bundle
    version: str
    age_days: float
    baseline: Mapping[str, float] | None


@dataclass(frozen=True)
class Periods:
    """Which predictions are looked at: those made from a moment on and before `until`.

    Attributes:
        window: from when on they are compared with the training rows.
        outcomes: from when on they tell the quality, where their outcomes are known.
        until: the moment of the look.
    """

    window: datetime
    outcomes: datetime
    until: datetime

    @classmethod
    def before(cls, until: datetime, settings: DriftSettings) -> Self:
        """The periods of `window_days` and `outcome_days` before a moment."""
        window, outcomes = (
            timedelta(days=n) for n in (settings.window_days, settings.outcome_days)
        )
        return cls(until - window, until - outcomes, until)

    @property
    def since(self) -> datetime:
        """The earlier of the two beginnings: what is to be read of the log."""
        return min(self.window, self.outcomes)


@dataclass(frozen=True)
class Check:
    """What was found, and what follows.

    Attributes:
        scored: how many customers of the window this model answered.
        known: of how many that it answered the outcome is known.
        comparison: the customers of the window against those that the model learnt from.
        quality: measured against the baseline; None of too few outcomes, or without a baseline.
        estimated: to be expected of the customers of the window.
        decision: whether to train again, and why.
    """

    scored: int
    known: int
    comparison: Comparison
    quality: Quality | None
    estimated: Estimated
    decision: Decision

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "retrain": self.decision.retrain,
            "reasons": [*self.decision.reasons],
            "rows": {
                "window": self.comparison.rows,
                "scored_by_this_model": self.scored,
                "with_outcome": self.known,
            },
            **{k: v for k, v in self.comparison.summary().items() if k != "rows"},
            "quality": self.quality and self.quality.summary(),
            "estimated": self.estimated.summary(),
        }


def check(
    logged: pa.Table,
    model: Watched,
    periods: Periods,
    settings: DriftSettings,
    address: str,
    *,
    forced: bool,
) -> Check:
    """Look at the predictions of two periods and decide.

    Args:
        logged: of `PredictionLog.read`, the rows of both periods among them.
        model: that answers now.
        periods: which predictions are looked at.
        settings: the `drift` group.
        address: of the log, as people are shown it.
        forced: whether somebody asks for training.
    Raises:
        OtherTableLogged: what is logged is not of the model's table.
    """
    contract = model.bundle.manifest.contract
    window = last_of_each(_from(logged, periods.window, periods.until), contract)
    scored = _answered(window, model)
    scores = _floats(scored["probability"])
    comparison = compare(
        columns_of(window, contract, address), scores, model.bundle.reference, settings
    )
    known = last_of_each(_known(logged, model, periods), contract)
    measured = model.baseline and quality(
        _floats(known["churned"]),
        _floats(known["probability"]),
        _flags(known["will_churn"]),
        model.baseline,
        settings.max_fall,
    )
    return Check(
        scored=len(scores),
        known=known.num_rows,
        comparison=comparison,
        quality=measured or None,
        estimated=estimate(scores, _flags(scored["will_churn"])),
        decision=decide(comparison, measured or None, model.age_days, forced, settings),
    )


def _from(logged: pa.Table, since: datetime, until: datetime) -> pa.Table:
    at, kind = logged["predicted_at"], logged["predicted_at"].type
    is_in = pc.and_(
        pc.greater_equal(at, pa.scalar(since, kind)), pc.less(at, pa.scalar(until, kind))
    )
    return logged.filter(is_in)


def _answered(logged: pa.Table, model: Watched) -> pa.Table:
    return logged.filter(pc.equal(logged["model_version"], model.version))


def _known(logged: pa.Table, model: Watched, periods: Periods) -> pa.Table:
    rows = _answered(_from(logged, periods.outcomes, periods.until), model)
    return rows.filter(pc.is_valid(rows["churned"]))


def _floats(column: pa.ChunkedArray) -> Floats:
    return column.cast(pa.float64()).to_numpy()


def _flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return column.to_numpy().astype(np.bool_)
