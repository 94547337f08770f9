"""`make bench-quality`: how good the models are, beside others', into reports/bench/quality.json.

Stratified 5-fold cross-validation with two seeds over every table that is found. Inside each fold
the whole procedure runs anew: preparation, search, calibration, threshold; the fold held out is
only scored. The others get the same rows with the contract's columns, at their defaults, and the
F1 threshold that is best on predictions cross-validated inside the fold.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from benchmarks.rivals import RIVALS, Rival
from benchmarks.tables import Table, embedded, found
from churn import metrics
from churn.files import write_json
from churn.scoring import Scorer
from churn.training import train

RESULT = Path("reports/bench/quality.json")
FOLDS, SEEDS = 5, (0, 1)
SHOWN = ("roc_auc", "pr_auc", "f1", "log_loss", "brier", "accuracy")
OURS = {"ours": (), "ours, optuna, 15 trials": ("search=optuna", "search.trials=15")}
BALANCES = ("none", "class_weight", "smote", "random_over")
Floats = NDArray[np.float64]
# From the rows to learn from and those to score: probabilities of the latter, and a threshold.
Learner = Callable[[Table, Table], tuple[Floats, float]]


def ours(learn: Table, score: Table) -> tuple[Floats, float]:
    """The pipeline's own training and scorer."""
    bundle = train(learn.columns, learn.features, learn.labels, learn.parameters, "").bundle
    return Scorer(bundle).probabilities(score.columns), bundle.manifest.threshold


def theirs(rival: Rival) -> Learner:
    """Another model at its defaults, on the contract's columns."""

    def learner(learn: Table, score: Table) -> tuple[Floats, float]:
        return rival.probabilities(learn.columns, learn.labels, score.columns)

    return learner


def truth(learn: Table, score: Table) -> tuple[Floats, float]:
    """The generator's own probabilities: no model can do better but by luck."""
    assert learn.truth is not None and score.truth is not None  # noqa: S101
    return score.truth, metrics.best_f1_threshold(learn.labels, learn.truth)


def cross_validated(table: Table, learner: Learner) -> dict[str, float]:
    """Mean of each metric over all folds of all seeds."""
    found = []
    for seed in SEEDS:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for learn, hold in folds.split(table.labels, table.labels):
            part = table.rows(hold)
            scores, threshold = learner(table.rows(learn), part)
            found.append(metrics.measured(part.labels, scores, threshold))
    return {name: round(float(np.mean([one[name] for one in found])), 4) for name in SHOWN}


def tables(*overrides: str) -> list[Table]:
    """The embedded table and those beside the repository."""
    return [embedded(*overrides), *found(*overrides)]


def models() -> dict[str, dict[str, Any]]:
    """By table: its rows, and the metrics of every model."""
    result: dict[str, dict[str, Any]] = {}
    for name, overrides in OURS.items():
        for table in tables(*overrides):
            one = result.setdefault(table.name, _size(table))
            one["models"][name] = _said(table.name, name, cross_validated(table, ours))
    for table in tables():
        learners: dict[str, Learner] = {name: theirs(rival) for name, rival in RIVALS.items()}
        if table.truth is not None:
            learners["true probabilities"] = truth
        for name, learner in learners.items():
            figures = _said(table.name, name, cross_validated(table, learner))
            result[table.name]["models"][name] = figures
    return result


def _size(table: Table) -> dict[str, Any]:
    return {"n": len(table.labels), "churners": int(table.labels.sum()), "models": {}}


def balances() -> dict[str, dict[str, Any]]:
    """By table and method of `balance`: the metrics of ours, everything else at its default."""
    result: dict[str, dict[str, Any]] = {}
    for method in BALANCES:
        for table in tables(f"balance={method}"):
            figures = _said(table.name, f"balance={method}", cross_validated(table, ours))
            result.setdefault(table.name, {})[method] = figures
    return result


def _said(table: str, name: str, figures: dict[str, float]) -> dict[str, float]:
    print(f"{table:<12}{name:<24}", *(f"{k} {v:.4f}" for k, v in figures.items()), flush=True)
    return figures


def main() -> None:
    """Measure all, print as it goes, write."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    packages = ("xgboost-cpu", "scikit-learn", "lightgbm", "catboost")
    result = {
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in packages},
        },
        "procedure": {"folds": FOLDS, "seeds": list(SEEDS)},
        "balance": balances(),
        "tables": models(),
    }
    write_json(RESULT, result)


if __name__ == "__main__":
    main()
