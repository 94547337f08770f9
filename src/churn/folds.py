"""Stratified folds of the training rows: each row is scored by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from churn.columns import Columns, Taken
from churn.errors import TooManyFolds
from churn.fitting import Learnable, Procedure, prepare
from churn.settings import ModelSettings, SearchSettings

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Fold:
    """One fold: what is learnt from, and what is held out.

    Attributes:
        prepared: the rows of the other folds, ready for the trees.
        rows: indices of the held-out rows (h,).
        inputs: their model inputs by name, each (h,).
        labels: their outcomes (h,).
    """

    prepared: Learnable
    rows: Rows
    inputs: Columns
    labels: Floats
    # XGBoost does not promise that two models may learn from one matrix at the same time.
    _in_use: Lock = field(default_factory=Lock)

    @property
    def held_out(self) -> NDArray[np.float32]:
        """Model matrix of the held-out rows (h, columns), made each time."""
        return self.prepared.preprocessor.matrix(self.inputs)

    def boost(self, model: ModelSettings, threads: int) -> xgboost.Booster:
        """Learn trees from the other folds."""
        with self._in_use:
            return self.prepared.boost(model, threads)


def split(labels: Floats, settings: SearchSettings) -> list[tuple[Rows, Rows]]:
    """Indices of the rows to learn from and of those held out, for each fold.

    Raises:
        TooManyFolds: more folds than customers of one outcome.
    """
    if (fewest := int(min(labels.sum(), (1 - labels).sum()))) < settings.folds:
        raise TooManyFolds(settings.folds, fewest)
    splitter = StratifiedKFold(settings.folds, shuffle=True, random_state=settings.seed)
    return [*splitter.split(np.zeros(len(labels)), labels)]


def prepared_folds(
    features: Columns, labels: Floats, procedure: Procedure, settings: SearchSettings
) -> tuple[Fold, ...]:
    """Every fold, its preparation fitted and its rows resampled without the held-out ones.

    Args:
        features: model inputs by name, each (n,).
        labels: (n,), 1 for churners.
        procedure: how to prepare and resample.
        settings: number of folds and seed.
    """
    folds = []
    for learn, hold in split(labels, settings):
        prepared = prepare(Taken(features, learn), labels[learn], procedure)
        folds.append(Fold(prepared, hold, Taken(features, hold), labels[hold]))
    return tuple(folds)


def side_by_side(folds: Sequence[Fold], most: int) -> int:
    """How many models to learn at once: `most`, or one if bins are not kept between models.

    One has all cores, which XGBoost's own threads use worse on small tables, and the bins of one
    are in memory at a time.
    """
    return most if all(fold.prepared.is_kept for fold in folds) else 1


def out_of_fold(folds: Sequence[Fold], boosters: Sequence[xgboost.Booster], trees: int) -> Floats:
    """Margin (log-odds) of each training row by the first trees of its fold's model; (n,)."""
    margins = np.empty(sum(len(fold.rows) for fold in folds))
    for fold, booster in zip(folds, boosters, strict=True):
        margins[fold.rows] = booster.inplace_predict(
            fold.held_out, iteration_range=(0, trees), predict_type="margin"
        )
    return margins
