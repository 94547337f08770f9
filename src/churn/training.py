"""Training: the one place where anything is fitted, on training rows alone.

Every row first gets an out-of-fold probability from a model that has not seen it; the decision
threshold and the reference distribution of the score come from these. The final model then learns
from all training rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from churn import metrics, preprocess
from churn.balance import churner_weight, resample
from churn.bundle import Bundle, Manifest, Provenance
from churn.columns import Columns, take
from churn.errors import TooManyFolds
from churn.preprocess import Preprocessor
from churn.reference import reference
from churn.settings import (
    BalanceSettings,
    DecisionSettings,
    ModelSettings,
    Parameters,
    PreprocessSettings,
    SearchSettings,
)

Floats = NDArray[np.float64]
# The groups that fitting reads, whose hash goes into the bundle.
READ = {"table", "preprocess", "balance", "model", "search", "decision"}


@dataclass(frozen=True)
class Procedure:
    """Everything that turns training rows into a model."""

    preprocess: PreprocessSettings
    balance: BalanceSettings
    model: ModelSettings


@dataclass(frozen=True)
class Fitted:
    """A preprocessor and the trees that learnt from its matrix."""

    preprocessor: Preprocessor
    booster: xgboost.Booster

    def predict(self, features: Columns) -> Floats:
        """Probabilities (n,) of features, each (n,)."""
        return self.booster.inplace_predict(self.preprocessor.matrix(features)).astype(np.float64)


@dataclass(frozen=True)
class Trained:
    """The bundle, and what `reports/training.json` says of it."""

    bundle: Bundle
    report: Mapping[str, Any]


def fit(features: Columns, labels: Floats, procedure: Procedure) -> Fitted:
    """Fit preparation, balance and trees.

    Args:
        features: model inputs by name, each (n,).
        labels: (n,), 1 for churners.
        procedure: how.
    """
    preprocessor = preprocess.fit(features, procedure.preprocess)
    encoded = preprocessor.encode(features)
    rows, outcomes = resample(encoded, labels, preprocessor.categorical, procedure.balance)
    data = xgboost.DMatrix(preprocessor.expand(rows), outcomes)
    weight = churner_weight(labels, procedure.balance)
    return Fitted(preprocessor, _boost(data, procedure.model, weight))


def _boost(data: xgboost.DMatrix, settings: ModelSettings, weight: float) -> xgboost.Booster:
    parameters = settings.model_dump(exclude={"n_estimators"}) | {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "scale_pos_weight": weight,
    }
    return xgboost.train(parameters, data, num_boost_round=settings.n_estimators)


def out_of_fold(
    features: Columns, labels: Floats, procedure: Procedure, search: SearchSettings
) -> Floats:
    """Probability of each training row by a model fitted without its fold; shape (n,).

    Raises:
        TooManyFolds: more folds than customers of one outcome.
    """
    if (fewest := int(min(labels.sum(), (1 - labels).sum()))) < search.folds:
        raise TooManyFolds(search.folds, fewest)
    folds = StratifiedKFold(search.folds, shuffle=True, random_state=search.seed)
    probabilities = np.empty(len(labels))
    for learn, hold in folds.split(np.zeros(len(labels)), labels):
        fitted = fit(take(features, learn), labels[learn], procedure)
        probabilities[hold] = fitted.predict(take(features, hold))
    return probabilities


def decision_threshold(labels: Floats, scores: Floats, settings: DecisionSettings) -> float:
    """Probability from which a customer is called a churner; labels, scores out of fold, (n,)."""
    if settings.method == "fixed":
        return settings.threshold
    return metrics.best_f1_threshold(labels, scores)


def train(
    columns: Columns,
    features: Columns,
    labels: Floats,
    parameters: Parameters,
    data_sha256: str,
) -> Trained:
    """Fit the final model and put the bundle together.

    Args:
        columns: the contract's columns of the training rows, each (n,).
        features: their model inputs, each (n,).
        labels: (n,), 1 for churners.
        parameters: all groups; used are `table` and those that fitting reads.
        data_sha256: of the file of training rows, for the bundle's provenance.
    """
    procedure = Procedure(parameters.preprocess, parameters.balance, parameters.model)
    scores = out_of_fold(features, labels, procedure, parameters.search)
    threshold = decision_threshold(labels, scores, parameters.decision)
    fitted = fit(features, labels, procedure)
    manifest = Manifest(
        contract=parameters.table,
        preprocessor=fitted.preprocessor,
        feature_names=fitted.preprocessor.names,
        threshold=threshold,
        provenance=Provenance(
            data_sha256=data_sha256,
            parameters_sha256=_sha256(parameters),
            train_rows=len(labels),
            train_churners=int(labels.sum()),
        ),
    )
    bundle = Bundle(manifest, reference(columns, scores), fitted.booster)
    return Trained(bundle, _report(manifest, labels, scores))


def _sha256(parameters: Parameters) -> str:
    return hashlib.sha256(parameters.model_dump_json(include=READ).encode()).hexdigest()


def _report(manifest: Manifest, labels: Floats, scores: Floats) -> dict[str, Any]:
    return {
        "inputs": len(manifest.preprocessor.inputs),
        "dropped": [one.model_dump() for one in manifest.preprocessor.dropped],
        "threshold": manifest.threshold,
        "out_of_fold": metrics.measured(labels, scores, manifest.threshold),
    }
