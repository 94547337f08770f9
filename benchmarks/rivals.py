"""The models that stand beside ours: others' defaults on the contract's columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

from benchmarks.tables import frame
from churn import metrics
from churn.columns import Columns

Floats = NDArray[np.float64]
MISSING = "(missing)"


@dataclass(frozen=True)
class Rival:
    """A model at its defaults; `make` builds one for the names of the categories."""

    make: Callable[[list[str]], BaseEstimator]

    def probabilities(self, learn: Columns, labels: Floats, score: Columns) -> tuple[Floats, float]:
        """Probabilities of the rows to score, and the threshold best on the rows learnt from."""
        rows, words = _frames(learn, score)
        known, asked = rows[: len(labels)], rows[len(labels) :]
        inner = np.empty(len(labels))
        for fold, hold in StratifiedKFold(5, shuffle=True, random_state=0).split(known, labels):
            inner[hold] = self._fitted(known.iloc[fold], labels[fold], words)(known.iloc[hold])
        threshold = metrics.best_f1_threshold(labels, inner)
        return self._fitted(known, labels, words)(asked), threshold

    def _fitted(
        self, rows: pd.DataFrame, labels: Floats, words: list[str]
    ) -> Callable[[pd.DataFrame], Floats]:
        model: Any = self.make(words)
        model.fit(rows, labels)
        return lambda asked: model.predict_proba(asked)[:, 1].astype(np.float64)


def _frames(learn: Columns, score: Columns) -> tuple[pd.DataFrame, list[str]]:
    """Rows to learn from and to score as one frame with shared levels; names of the categories."""
    rows = pd.concat([frame(learn), frame(score)], ignore_index=True)
    words = [name for name, values in learn.items() if values.dtype == object]
    for name in words:
        rows[name] = rows[name].fillna(MISSING).astype(str).astype("category")
    return rows, words


def _logistic(words: list[str]) -> BaseEstimator:
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words),
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            make_column_selector(dtype_include=np.number),
        ),
    )
    return make_pipeline(encode, LogisticRegression(max_iter=2000))


RIVALS = {
    "logistic regression": Rival(_logistic),
    "XGBoost, defaults": Rival(lambda _: XGBClassifier(enable_categorical=True, random_state=0)),
    "LightGBM, defaults": Rival(lambda _: LGBMClassifier(verbose=-1, random_state=0)),
    "CatBoost, defaults": Rival(
        lambda words: CatBoostClassifier(
            cat_features=words, verbose=False, random_seed=0, allow_writing_files=False
        )
    ),
}
