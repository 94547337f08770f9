"""The parameters, one frozen class for each group of `conf/`.

An unknown key, a missing key or a value out of range is an error when a stage starts.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from churn.contract import Contract, Frozen, Number, Whole

# Fewer customers of either outcome than this are too few to measure anything on.
LEAST_OF_EACH_CLASS = 5

# DVC cannot leave out a dependency: these files stand where there is no history or current file.
PLACEHOLDERS = ("conf/source/none/history", "conf/source/none/current")

Share = Annotated[Number, Field(ge=0, le=1)]
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
Rows = Annotated[Whole, Field(ge=1, le=1_000_000_000)]


class SyntheticSource(Frozen):
    """Customers drawn from the embedded generator.

    Attributes:
        history, current: placeholders that DVC watches in place of a file.
        seed: of every draw.
        history_rows, current_rows: customers to draw.
        drift: how far the current customers have moved away from the history.
    """

    kind: Literal["synthetic"]
    history: str
    current: str
    seed: Seed
    history_rows: Rows
    current_rows: Rows
    drift: Literal["none", "mild", "strong"]

    @field_validator("history", "current")
    @classmethod
    def _is_a_placeholder(cls, path: str) -> str:
        if path not in PLACEHOLDERS:
            raise ValueError(f"source=synthetic reads no file, {path!r} neither; set source=csv")
        return path


class FileSource(Frozen):
    """Customers read from files.

    Attributes:
        history: path of the labelled customers.
        current: path of the recent customers; the second of `PLACEHOLDERS` for none.
    """

    kind: Literal["csv", "parquet"]
    history: str
    current: str


Source = Annotated[SyntheticSource | FileSource, Field(discriminator="kind")]


class ValidateSettings(Frozen):
    """`max_rejected`: share of rows that may break the contract before the stage fails."""

    max_rejected: Share


class SplitSettings(Frozen):
    """`test_share`: share of customers held out; `salt`: changes which ones."""

    test_share: Annotated[Number, Field(gt=0, lt=1)]
    salt: str


class PreprocessSettings(Frozen):
    """How model inputs are prepared.

    Attributes:
        missing_numbers: leave them to XGBoost (`native`) or fill in the training median.
        missing_categories: a level of their own, or the most frequent level.
        max_missing: a column with a larger share missing is dropped.
        cap_quantile: numbers are capped at this quantile and at one minus it; 0 caps nothing.
        max_levels: levels kept of an open category, the most frequent first.
    """

    missing_numbers: Literal["native", "median"]
    missing_categories: Literal["level", "mode"]
    max_missing: Share
    cap_quantile: Annotated[Number, Field(ge=0, lt=0.5)]
    max_levels: Annotated[Whole, Field(ge=2, le=1000)]


class BalanceSettings(Frozen):
    """What is done about the rarity of churners; resampling touches training folds only."""

    method: Literal["none", "class_weight", "smote", "random_over"]
    seed: Seed


class ModelSettings(Frozen):
    """XGBoost's parameters, under the names of its scikit-learn interface."""

    n_estimators: Annotated[Whole, Field(ge=1, le=10_000)]
    max_depth: Annotated[Whole, Field(ge=1, le=16)]
    learning_rate: Annotated[Number, Field(gt=0, le=1)]
    min_child_weight: Annotated[Number, Field(ge=0)]
    subsample: Annotated[Number, Field(gt=0, le=1)]
    colsample_bytree: Annotated[Number, Field(gt=0, le=1)]
    reg_lambda: Annotated[Number, Field(ge=0)]
    reg_alpha: Annotated[Number, Field(ge=0)]
    gamma: Annotated[Number, Field(ge=0)]
    seed: Seed


class SearchSettings(Frozen):
    """`folds`: stratified folds of the out-of-fold predictions; `seed`: of their shuffle."""

    folds: Annotated[Whole, Field(ge=2, le=20)]
    seed: Seed


class DecisionSettings(Frozen):
    """How the probability becomes a decision.

    Attributes:
        method: `f1` takes the threshold with the best F1 on out-of-fold predictions, `fixed` the
            given one.
        threshold: of `fixed`.
    """

    method: Literal["f1", "fixed"]
    threshold: Annotated[Number, Field(gt=0, lt=1)]


class EvaluateSettings(Frozen):
    """`resamples`: of the bootstrap behind every interval; `seed`: of its draws."""

    resamples: Annotated[Whole, Field(ge=100, le=100_000)]
    seed: Seed


class DriftSettings(Frozen):
    """PSI from which a feature is called drifting: `warning` and `alarm`."""

    warning: Annotated[Number, Field(gt=0)]
    alarm: Annotated[Number, Field(gt=0)]

    @model_validator(mode="after")
    def _alarm_is_not_below_warning(self) -> Self:
        if self.alarm < self.warning:
            raise ValueError(f"alarm {self.alarm:g} is below warning {self.warning:g}")
        return self


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
    decision: DecisionSettings
    evaluate: EvaluateSettings
    drift: DriftSettings
