"""Fitting one model: preparation, resampling and trees, on the rows that are given and no others.

Rows reach the trees a block at a time and are binned there, so no model matrix of them all is made.
Only resampling needs them all at once: it and the preparation are then the steps of an
imbalanced-learn Pipeline, which resamples when it is fitted and never when it transforms: no row
that is scored is ever added to or taken away.
"""

from __future__ import annotations

from collections.abc import Callable
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
from churn.balance import adds_rows, churner_weight, resample
from churn.columns import Columns, take
from churn.preprocess import CategoryInput, Preprocessor
from churn.settings import BalanceSettings, ModelSettings, PreprocessSettings

Floats = NDArray[np.float64]
Matrix = NDArray[np.float32]
# Rows of which a model matrix is made at a time. Bounds of bins depend on it as soon as there are
# more, so it is the same on every machine.
BLOCK = 500_000
# Rows whose bins, up to 5 bytes a cell, are kept for the next model to learn from.
MOST_KEPT = 1_000_000


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


class Blocks(xgboost.DataIter):
    """Training rows a block at a time, as often as XGBoost asks for them (four times, to bin them).

    Args:
        matrix: gives some of the rows as model matrix, (b, columns).
        outcomes: of all rows, (n,).
    """

    def __init__(self, matrix: Callable[[slice], Matrix], outcomes: Floats) -> None:
        super().__init__()
        self._matrix, self._outcomes = matrix, outcomes
        self._first = 0
        # The last block and where it begins: rows that fit into one are encoded once.
        self._made: tuple[int, Matrix] | None = None

    def reset(self) -> None:
        """Begin again at the first row."""
        self._first = 0

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next block; False if there is none."""
        if self._first >= len(self._outcomes):
            return False
        rows = slice(self._first, self._first + BLOCK)
        input_data(data=self._block(rows), label=self._outcomes[rows])
        self._first += BLOCK
        return True

    def _block(self, rows: slice) -> Matrix:
        if self._made is None or self._made[0] != rows.start:
            self._made = None  # before the next one is made: never two
            self._made = rows.start, self._matrix(rows)
        return self._made[1]


class Learnable(Protocol):
    """Rows that trees can learn from, on this machine or on others."""

    @property
    def preprocessor(self) -> Preprocessor:
        """The preparation fitted on them, for the rows to be scored."""

    @property
    def is_kept(self) -> bool:
        """Whether they stay ready for the next model to learn from."""

    def boost(self, model: ModelSettings, threads: int = 0) -> xgboost.Booster:
        """Learn trees from them."""


@dataclass(frozen=True)
class Prepared:
    """Training rows ready for the trees, and the preparation fitted on them.

    Attributes:
        preprocessor: for the rows to be scored.
        churner_weight: of a churner against another customer.
        is_kept: whether the bins of the rows are; else they are made for each model, and take no
            memory between two.
    """

    preprocessor: Preprocessor
    churner_weight: float
    is_kept: bool
    _binned: Callable[[], xgboost.QuantileDMatrix]

    @property
    def data(self) -> xgboost.QuantileDMatrix:
        """Model matrix and outcomes, binned."""
        return self._binned()

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
    """Fit the preparation, and have the rows resampled and binned for the trees.

    Args:
        features: model inputs by name, each (n,).
        labels: (n,), 1 for churners.
        procedure: how.
        threads: to bin with; 0 for all.
    Raises:
        NothingToLearnFrom, CannotResample.
    """
    is_resampled = adds_rows(procedure.balance)
    learnt = _resampled if is_resampled else _as_they_are
    preprocessor, matrix, outcomes = learnt(features, labels, procedure)
    weight = churner_weight(len(labels), int(labels.sum()), procedure.balance)

    def binned() -> xgboost.QuantileDMatrix:
        return xgboost.QuantileDMatrix(Blocks(matrix, outcomes), nthread=threads)

    # What is resampled is a second table, and would otherwise be kept for the next binning.
    if not (is_kept := is_resampled or len(outcomes) <= MOST_KEPT):
        return Prepared(preprocessor, weight, is_kept, binned)
    data = binned()
    return Prepared(preprocessor, weight, is_kept, lambda: data)


# Fitted preparation, model matrix of some of the rows, and outcomes of all.
_Learnt = tuple[Preprocessor, Callable[[slice], Matrix], Floats]


def _as_they_are(features: Columns, labels: Floats, procedure: Procedure) -> _Learnt:
    preprocessor = preprocess.fit(features, procedure.preprocess)
    return preprocessor, lambda rows: preprocessor.matrix(take(features, rows)), labels


def _resampled(features: Columns, labels: Floats, procedure: Procedure) -> _Learnt:
    steps = preparation(procedure)
    frame, outcomes = steps.fit_resample({**features}, labels)
    preprocessor: Preprocessor = steps["encode"].preprocessor_
    encoded = matrix(frame)
    return preprocessor, lambda rows: preprocessor.expand(encoded[rows]), outcomes
