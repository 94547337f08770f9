"""Fitting one model: preparation, resampling and trees, on the rows that are given and no others.

Preparation and resampling are the steps of an imbalanced-learn Pipeline, which resamples when it is
fitted and never when it transforms: no row that is scored is ever added to or taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd
import xgboost
from imblearn import FunctionSampler
from imblearn.pipeline import Pipeline
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from churn import preprocess
from churn.balance import churner_weight, resample
from churn.columns import Columns
from churn.preprocess import CategoryInput, Preprocessor
from churn.settings import BalanceSettings, ModelSettings, PreprocessSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Procedure:
    """What is done to training rows before trees learn from them."""

    preprocess: PreprocessSettings
    balance: BalanceSettings


class Encode(TransformerMixin, BaseEstimator):
    """Pipeline step: fits the preparation of the inputs and encodes them.

    Takes `columns` or a data frame of them. Gives a data frame of float64, in which a column of
    level numbers is known by its pandas type: a category of -1 (no level), 0, 1, …
    """

    def __init__(self, settings: PreprocessSettings) -> None:
        self.settings = settings

    def fit(self, features: Columns | pd.DataFrame, labels: object = None) -> Self:  # noqa: ARG002
        """Learn the preparation from these rows."""
        self.preprocessor_ = preprocess.fit(_columns(features), self.settings)
        return self

    def transform(self, features: Columns | pd.DataFrame) -> pd.DataFrame:
        """Encode rows: inputs by name, each (n,) → frame (n, inputs)."""
        types = {
            number: pd.CategoricalDtype([float(level) for level in range(-1, len(one.levels))])
            for number, one in enumerate(self.preprocessor_.inputs)
            if isinstance(one, CategoryInput)
        }
        return pd.DataFrame(self.preprocessor_.encode(_columns(features))).astype(types)


def _balance(
    encoded: pd.DataFrame, labels: Floats, settings: BalanceSettings
) -> tuple[pd.DataFrame, Floats]:
    """Pipeline step: the frame of `Encode` with rows added (see `churn.balance`)."""
    levels = [isinstance(dtype, pd.CategoricalDtype) for dtype in encoded.dtypes]
    categorical = tuple(np.flatnonzero(levels).tolist())
    rows, outcomes = resample(matrix(encoded), labels, categorical, settings)
    types: Any = encoded.dtypes
    return pd.DataFrame(rows).astype(types), outcomes


def preparation(procedure: Procedure) -> Pipeline:
    """The steps before the trees, not fitted; `fit_resample` gives what the trees learn from."""
    balance = FunctionSampler(
        func=_balance, kw_args={"settings": procedure.balance}, validate=False
    )
    return Pipeline([("encode", Encode(procedure.preprocess)), ("balance", balance)])


def matrix(encoded: pd.DataFrame) -> Floats:
    """Encoded rows as one array (n, inputs)."""
    return np.column_stack([encoded[name].to_numpy(np.float64) for name in encoded])


def _columns(features: Columns | pd.DataFrame) -> Columns:
    return {str(name): np.asarray(values) for name, values in features.items()}


class Learnable(Protocol):
    """Rows that trees can learn from, on this machine or on others."""

    @property
    def preprocessor(self) -> Preprocessor:
        """The preparation fitted on them, for the rows to be scored."""

    def boost(self, model: ModelSettings, threads: int = 0) -> xgboost.Booster:
        """Learn trees from them."""


@dataclass(frozen=True)
class Prepared:
    """Training rows ready for the trees, and the preparation fitted on them.

    Attributes:
        preprocessor: for the rows to be scored.
        data: model matrix and outcomes, binned.
        churner_weight: of a churner against another customer.
    """

    preprocessor: Preprocessor
    data: xgboost.QuantileDMatrix
    churner_weight: float

    def boost(self, model: ModelSettings, threads: int = 0) -> xgboost.Booster:
        """Learn trees; the number of threads (0 for all) changes the time, not the bits."""
        parameters = model.model_dump(exclude={"n_estimators"}) | {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "scale_pos_weight": self.churner_weight,
            "nthread": threads,
        }
        return xgboost.train(parameters, self.data, num_boost_round=model.n_estimators)


def prepare(features: Columns, labels: Floats, procedure: Procedure, threads: int = 0) -> Prepared:
    """Fit the preparation, resample, and bin the rows for the trees.

    Args:
        features: model inputs by name, each (n,).
        labels: (n,), 1 for churners.
        procedure: how.
        threads: to bin with; 0 for all.
    Raises:
        NothingToLearnFrom, CannotResample.
    """
    steps = preparation(procedure)
    rows, outcomes = steps.fit_resample(features, labels)
    preprocessor: Preprocessor = steps["encode"].preprocessor_
    expanded = preprocessor.expand(matrix(rows))
    data = xgboost.QuantileDMatrix(expanded, outcomes, nthread=threads)
    weight = churner_weight(len(labels), int(labels.sum()), procedure.balance)
    return Prepared(preprocessor, data, weight)
