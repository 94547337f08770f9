"""Training: the one place where anything is fitted, on training rows alone.

The folds are prepared first. Over them the parameters are searched, and every row gets an
out-of-fold margin from a model that has not seen it; calibration, decision threshold and the
reference distribution of the score come from these. The final model then learns from all rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import metrics
from churn.bundle import Bundle, Manifest, Provenance
from churn.calibrating import Calibrated, calibrate
from churn.calibration import NoCalibration
from churn.columns import Columns
from churn.decision import threshold
from churn.fitting import Learnable, Procedure, prepare
from churn.folds import Fold, out_of_fold, prepared_folds
from churn.reference import reference
from churn.scoring import with_golden
from churn.search import Searched, search, table
from churn.settings import NoSearch, Parameters, ProfitDecision

Floats = NDArray[np.float64]
# What fitting reads.
READ: dict[str, Any] = {
    **dict.fromkeys(("table", "preprocess", "balance", "model", "search", "calibration"), True),
    "decision": True,
    "evaluate": {"money": True},
}


@dataclass(frozen=True)
class Trained:
    """What training gives.

    Attributes:
        bundle: the model with all it needs.
        report: content of `reports/training.json`.
        trials: content of `reports/trials.csv`.
    """

    bundle: Bundle
    report: Mapping[str, Any]
    trials: str


def train(
    columns: Columns,
    features: Columns,
    labels: Floats,
    parameters: Parameters,
    data_sha256: str,
) -> Trained:
    """Search, calibrate, decide, fit the final model, and put the bundle together.

    Args:
        columns: the contract's columns that are known before the event, each (n,).
        features: their model inputs, each (n,).
        labels: (n,), 1 for churners.
        parameters: all groups; used are those of `READ`.
        data_sha256: of the file of training rows, for the bundle's provenance.
    Raises:
        NothingToLearnFrom, CannotResample, TooManyFolds, UnusableScorer, PrecisionOutOfReach,
        WrongFeature.
    """
    procedure = Procedure(parameters.preprocess, parameters.balance)
    folds = prepared_folds(features, labels, procedure, parameters.search)
    learnt_from = provenance(parameters, data_sha256, len(labels), int(labels.sum()))
    return assembled(
        columns,
        labels,
        folds,
        lambda: prepare(features, labels, procedure),
        parameters,
        learnt_from,
    )


def assembled(
    columns: Columns,
    labels: Floats,
    folds: Sequence[Fold],
    everything: Callable[[], Learnable],
    parameters: Parameters,
    learnt_from: Provenance,
) -> Trained:
    """Do what `train` does with folds and rows that others have prepared.

    Args:
        columns: as for `train`; of the rows in the folds.
        labels: (n,), 1 for churners.
        folds: of these rows.
        everything: gives the rows that the final trees learn from, once it is their turn.
        parameters: all groups; used are those of `READ`.
        learnt_from: what the final trees learn from.
    Raises:
        NothingToLearnFrom, CannotResample, UnusableScorer, PrecisionOutOfReach, WrongFeature.
    """
    searched = search(folds, parameters.model, parameters.search)
    model = searched.best.model
    margins = out_of_fold(folds, searched.boosters, model.n_estimators)
    calibrated = calibrate(margins, labels, [one.rows for one in folds], parameters.calibration)
    scores = calibrated.calibration.probabilities(margins)
    chosen = threshold(labels, scores, parameters.decision, parameters.evaluate.money)
    prepared = everything()
    preprocessor = prepared.preprocessor
    manifest = Manifest(
        contract=parameters.table,
        preprocessor=preprocessor,
        feature_names=preprocessor.names,
        calibration=calibrated.calibration,
        threshold=chosen,
        provenance=learnt_from,
    )
    bundle = with_golden(Bundle(manifest, reference(columns, scores), prepared.boost(model)))
    report = {
        "inputs": len(preprocessor.inputs),
        "dropped": [one.model_dump() for one in preprocessor.dropped],
        "search": _search(searched, folds, parameters),
        "calibration": _calibration(calibrated, margins, labels),
        "decision": {"method": parameters.decision.method, "threshold": chosen},
        "out_of_fold": metrics.measured(labels, calibrated.scores, chosen),
    }
    return Trained(bundle, report, table(searched))


def provenance(parameters: Parameters, data_sha256: str, rows: int, churners: int) -> Provenance:
    """What a bundle is made of.

    Args:
        parameters: all groups.
        data_sha256: of the training rows.
        rows, churners: how many training rows there are, and churners among them.
    """
    return Provenance(
        data_sha256=data_sha256,
        parameters_sha256=_sha256(parameters),
        train_rows=rows,
        train_churners=churners,
    )


def _sha256(parameters: Parameters) -> str:
    """Of what the bundle depends on: of money only where it decides the threshold."""
    has_money = isinstance(parameters.decision, ProfitDecision)
    idle: dict[str, Any] = {} if has_money else {"evaluate": True}
    read = parameters.model_dump_json(include=READ, exclude=idle)
    return hashlib.sha256(read.encode()).hexdigest()


def _search(searched: Searched, folds: Sequence[Fold], parameters: Parameters) -> dict[str, Any]:
    given, configured = parameters.search, searched
    if not isinstance(given, NoSearch):
        asis = NoSearch(method="none", folds=given.folds, seed=given.seed, scoring=given.scoring)
        configured = search(folds, parameters.model, asis)
    return {
        "method": parameters.search.method,
        "scoring": parameters.search.scoring,
        "trials": len(searched.trials),
        "score": searched.best.score,
        "std": searched.best.std,
        "configured_score": configured.best.score,
        "model": searched.best.model.model_dump(),
    }


def _calibration(found: Calibrated, margins: Floats, labels: Floats) -> dict[str, Any]:
    before = NoCalibration().probabilities(margins)
    return {
        "method": found.calibration.method,
        "log_loss": dict(found.log_losses),
        "calibration_error": {
            "before": metrics.measured(labels, before, 0.5)["calibration_error"],
            "after": metrics.measured(labels, found.scores, 0.5)["calibration_error"],
        },
    }
