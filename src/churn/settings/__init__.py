"""The parameters, one frozen class for each group of `conf/`.

An unknown key, a missing key or a value out of range is an error when a stage starts.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, ValidationError, model_validator

from churn.contract import Contract, Frozen
from churn.settings.common import LEAST_OF_EACH_CLASS
from churn.settings.data import (
    PLACEHOLDERS,
    FileSource,
    LogSource,
    ReadSettings,
    RemoteSource,
    Source,
    SplitSettings,
    SqlSource,
    SyntheticSource,
    ValidateSettings,
)
from churn.settings.evaluation import (
    DriftSettings,
    EvaluateSettings,
    LeakSettings,
    MoneySettings,
    TrackingSettings,
)
from churn.settings.serving import (
    ChallengerSettings,
    LogSettings,
    RecommendationSettings,
    RiskSettings,
    ServeSettings,
)
from churn.settings.training import (
    BalanceSettings,
    CalibrationSettings,
    DecisionSettings,
    F1Decision,
    FixedDecision,
    GridSearch,
    ModelSettings,
    NoSearch,
    OptunaSearch,
    PreprocessSettings,
    ProfitDecision,
    RecallAtPrecision,
    SearchSettings,
)
from churn.wording import did_you_mean, listed

__all__ = [
    "LEAST_OF_EACH_CLASS",
    "PLACEHOLDERS",
    "BalanceSettings",
    "CalibrationSettings",
    "ChallengerSettings",
    "DecisionSettings",
    "DriftSettings",
    "EvaluateSettings",
    "F1Decision",
    "FileSource",
    "FixedDecision",
    "GridSearch",
    "LeakSettings",
    "LogSettings",
    "LogSource",
    "ModelSettings",
    "MoneySettings",
    "NoSearch",
    "OptunaSearch",
    "Parameters",
    "PreprocessSettings",
    "ProfitDecision",
    "ReadSettings",
    "RecallAtPrecision",
    "RecommendationSettings",
    "RemoteSource",
    "RiskSettings",
    "SearchSettings",
    "ServeSettings",
    "Source",
    "SplitSettings",
    "SqlSource",
    "SyntheticSource",
    "TrackingSettings",
    "ValidateSettings",
]


class Parameters(Frozen):
    """All of `params.yaml`. `table` is the contract of the customer table."""

    table: Contract
    source: Source
    validate_: ValidateSettings = Field(alias="validate")
    split: SplitSettings
    preprocess: PreprocessSettings
    balance: BalanceSettings
    model: ModelSettings
    search: SearchSettings
    calibration: CalibrationSettings
    decision: DecisionSettings
    evaluate: EvaluateSettings
    tracking: TrackingSettings
    drift: DriftSettings
    serve: ServeSettings

    @model_validator(mode="after")
    def _guards_are_sliced(self) -> Self:
        known = self.table.sliced_columns
        for name in self.evaluate.guard or ():
            if name not in known:
                raise ValueError(
                    f"evaluate.guard: {name!r} divides customers into no kinds"
                    f"{did_you_mean(name, known)}; {listed(known, 40)} do. Give a number bands"
                )
        return self

    @model_validator(mode="after")
    def _space_holds_models(self) -> Self:
        space = {} if isinstance(self.search, NoSearch) else self.search.space
        for name, value in ((name, value) for name, values in space.items() for value in values):
            try:
                ModelSettings.model_validate(self.model.model_dump() | {name: value})
            except ValidationError as error:
                problem = error.errors()[0]["msg"]
                raise ValueError(
                    f"search.space.{name}: {value:g} is not allowed: {problem}"
                ) from None
        return self
