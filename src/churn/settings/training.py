"""The groups of training: preprocess, balance, model, search, calibration, decision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from churn.contract import Frozen, Number, Whole
from churn.settings.common import Seed, Share
from churn.wording import did_you_mean


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


class _CrossValidation(Frozen):
    """Stratified folds of the training rows, and how a model is scored over them.

    Attributes:
        folds: how many; every row is scored once by a model that has not seen it.
        seed: of their shuffle, and of the search.
        scoring: name of a scikit-learn scorer; greater is better.
    """

    folds: Annotated[Whole, Field(ge=2, le=20)]
    seed: Seed
    scoring: str


class NoSearch(_CrossValidation):
    """The model's parameters as they are."""

    method: Literal["none"]


class _Search(_CrossValidation):
    """What the searches share.

    Attributes:
        space: parameters of the model, with the values that each may take.
    """

    space: dict[str, Annotated[tuple[Number, ...], Field(min_length=1)]] = Field(min_length=1)

    @field_validator("space")
    @classmethod
    def _names_parameters(cls, space: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        known = [name for name in ModelSettings.model_fields if name != "seed"]
        for name, values in space.items():
            if name not in known:
                raise ValueError(
                    f"no parameter {name!r} of the model{did_you_mean(name, known)}; "
                    f"there are {', '.join(known)}"
                )
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name}: {list(values)} must rise from value to value")
        return space


class GridSearch(_Search):
    """Every combination of the space."""

    method: Literal["grid"]


class OptunaSearch(_Search):
    """The tree-structured Parzen estimator of Optuna, seeded.

    Attributes:
        trials: combinations to try.
        pruning: give a trial up after two folds if it is worse than the median of those before.
    """

    method: Literal["optuna"]
    trials: Annotated[Whole, Field(ge=1, le=10_000)]
    pruning: bool


SearchSettings = Annotated[NoSearch | GridSearch | OptunaSearch, Field(discriminator="method")]


class CalibrationSettings(Frozen):
    """How margins become probabilities: one way, or the best of all by cross-validated log loss."""

    method: Literal["best", "none", "sigmoid", "isotonic"]


class FixedDecision(Frozen):
    """`threshold`: the probability from which a customer is called a churner."""

    method: Literal["fixed"]
    threshold: Annotated[Number, Field(gt=0, lt=1)]


class F1Decision(Frozen):
    """The threshold with the best F1 to be expected of out-of-fold predictions."""

    method: Literal["f1"]


class ProfitDecision(Frozen):
    """The threshold with the best profit, under `evaluate.money`, on out-of-fold predictions."""

    method: Literal["profit"]


class RecallAtPrecision(Frozen):
    """The lowest threshold whose precision on out-of-fold predictions is at least `precision`."""

    method: Literal["recall_at_precision"]
    precision: Annotated[Number, Field(gt=0, le=1)]


DecisionSettings = Annotated[
    FixedDecision | F1Decision | ProfitDecision | RecallAtPrecision, Field(discriminator="method")
]
