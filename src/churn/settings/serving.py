"""The group `serve`: how the server answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from churn.contract import Frozen, Number, Whole
from churn.settings.common import Share

Text = Annotated[str, Field(min_length=1)]


class RiskSettings(Frozen):
    """Probabilities from which a risk is called medium and high; below, it is low."""

    medium: Share
    high: Share

    @model_validator(mode="after")
    def _high_is_not_below_medium(self) -> Self:
        if self.high < self.medium:
            raise ValueError(f"high {self.high:g} is below medium {self.medium:g}")
        return self


class RecommendationSettings(Frozen):
    """What to do at each risk level, word for word in the answer."""

    low: Text
    medium: Text
    high: Text


class ChallengerSettings(Frozen):
    """A second model beside the one that serves.

    Attributes:
        model: as for `make serve MODEL=`: a stage, a version or a folder; None for no challenger.
        mode: `shadow` scores a share of the requests and is compared in the metrics only;
            `split` answers a share of the customers.
        share: of the requests (shadow) or of the customers (split).
        salt: of the hash that says which customers are in the share; another salt, another share.
    """

    model: Text | None
    mode: Literal["shadow", "split"]
    share: Share
    salt: str


class LogSettings(Frozen):
    """The prediction log. Its database is of the environment: `DATABASE_URL`.

    Attributes:
        enabled: keep what was asked and answered; without it, no drift is measured either.
        flush_ms: an answer outlives the process that gave it after so many milliseconds.
        keep_days: predictions and outcomes that are older are forgotten.
        spool_mb: room on disk for predictions while the database is away; beyond, they are lost.
    """

    enabled: bool
    flush_ms: Annotated[Whole, Field(ge=20, le=10_000)]
    keep_days: Annotated[Whole, Field(ge=1, le=36_500)]
    spool_mb: Annotated[Whole, Field(ge=1, le=1_000_000)]

    @property
    def most_bytes(self) -> int:
        """`spool_mb` in bytes."""
        return self.spool_mb * 1024 * 1024


class ServeSettings(Frozen):
    """How the server answers.

    Attributes:
        processes: that answer requests; beside them one scores large batches.
        max_batch: customers in one batch.
        max_in_flight: requests at once, over all processes; more get 503.
        requests_per_second: for each key, over all processes; more get 429. None: no limit.
        deadline: seconds that a request may take, its body included; then 504 or 408.
        cors_origins: web pages that may call the API from a browser, such as
            `https://crm.example.com`; `*` for all.
        log_requests: write the content of each request to the log; it is personal data.
        risk: bounds of the risk levels.
        recommendation: what to do at each.
        challenger: a second model beside the one that serves.
        log: what was predicted, and what became of it.
    """

    processes: Annotated[Whole, Field(ge=1, le=64)]
    max_batch: Annotated[Whole, Field(ge=1, le=100_000)]
    max_in_flight: Annotated[Whole, Field(ge=1, le=100_000)]
    requests_per_second: Annotated[Number, Field(ge=0.01)] | None
    deadline: Annotated[Number, Field(ge=0.1, le=300)]
    cors_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/*]+)$")], ...]
    log_requests: bool
    risk: RiskSettings
    recommendation: RecommendationSettings
    challenger: ChallengerSettings
    log: LogSettings
