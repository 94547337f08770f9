"""`make bench`: the grid search beside scikit-learn's, into reports/bench/search.json.

Both search the default grid over the same folds of the training rows, on all cores. Scikit-learn's
`GridSearchCV` runs the same imbalanced-learn Pipeline with `XGBClassifier` at its end.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imblearn.pipeline import Pipeline
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer
from xgboost import XGBClassifier

from benchmarks.tables import Table, embedded, frame
from churn.files import write_json
from churn.fitting import Procedure, preparation
from churn.folds import prepared_folds, split
from churn.search import Searched, search
from churn.settings import GridSearch, ModelSettings

RESULT = Path("reports/bench/search.json")
METHODS = ("none", "smote")


@dataclass(frozen=True)
class Grid:
    """What both sides search: the rows, how they are prepared, and the combinations."""

    table: Table
    procedure: Procedure
    model: ModelSettings
    settings: GridSearch

    def ours(self) -> Searched:
        """Every combination by `churn.search`."""
        folds = prepared_folds(
            self.table.features, self.table.labels, self.procedure, self.settings
        )
        return search(folds, self.model, self.settings)

    def theirs(self) -> GridSearchCV:
        """Every combination by scikit-learn."""
        found = GridSearchCV(
            pipeline(self.procedure, self.model),
            {f"model__{name}": _numbers(values) for name, values in self.settings.space.items()},
            scoring=self.settings.scoring,
            cv=split(self.table.labels, self.settings),
            n_jobs=-1,
            refit=False,
        )
        return found.fit(frame(self.table.features), self.table.labels)


class Trees(XGBClassifier):
    """Gives float64: of float32, scikit-learn's log loss has too few right digits to compare."""

    def predict_proba(self, *given: Any, **options: Any) -> np.ndarray:
        """Probabilities (n, 2)."""
        return super().predict_proba(*given, **options).astype(np.float64)


def pipeline(procedure: Procedure, model: ModelSettings) -> Pipeline:
    """Preparation, resampling and trees as one estimator of scikit-learn's kind."""
    steps = preparation(procedure).steps
    settings = model.model_dump(exclude={"seed"})
    trees = Trees(**settings, random_state=model.seed, tree_method="hist", n_jobs=1)
    return Pipeline([*steps, ("expand", FunctionTransformer(one_hot)), ("model", trees)])


def one_hot(encoded: pd.DataFrame) -> np.ndarray:
    """Encoded rows (n, inputs) → model matrix, float32."""
    parts = [
        encoded[name].to_numpy(np.float64)[:, None]
        if not isinstance(dtype, pd.CategoricalDtype)
        else encoded[name].to_numpy(np.float64)[:, None] == np.arange(len(dtype.categories) - 1)
        for name, dtype in encoded.dtypes.items()
    ]
    return np.column_stack(parts).astype(np.float32)


def _numbers(values: tuple[float, ...]) -> list[float]:
    return [int(value) if value == int(value) else value for value in values]


def largest_difference(ours: Searched, theirs: GridSearchCV) -> float:
    """Between the two scores of any fold of any combination; they come in the same order."""
    results = theirs.cv_results_
    scores = np.column_stack([results[f"split{k}_test_score"] for k in range(theirs.n_splits_)])
    return float(np.abs(scores - np.array([trial.scores for trial in ours.trials])).max())


def compared(method: str) -> dict[str, Any]:
    """One side by side, alternating, three times; the median of the ratios."""
    table = embedded(f"balance={method}", "search=grid")
    given = table.parameters
    if not isinstance(given.search, GridSearch):
        raise ValueError("another search was asked for")
    grid = Grid(table, Procedure(given.preprocess, given.balance), given.model, given.search)
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(3):
        start = time.perf_counter()
        ours = grid.ours()
        middle = time.perf_counter()
        theirs = grid.theirs()
        seconds["ours"].append(middle - start)
        seconds["theirs"].append(time.perf_counter() - middle)
    ratios = np.array(seconds["ours"]) / np.array(seconds["theirs"])
    return {
        "rows": len(grid.table.labels),
        "combinations": len(ours.trials),
        "seconds": {name: round(float(np.median(values)), 1) for name, values in seconds.items()},
        "ratio": round(float(np.median(ratios)), 3),
        "same_choice": int(theirs.best_index_) == ours.trials.index(ours.best),
        "largest_score_difference": largest_difference(ours, theirs),
    }


def main() -> None:
    """Measure, print, write."""
    result = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "balance": {method: compared(method) for method in METHODS},
    }
    write_json(RESULT, result)
    print(RESULT.read_text(), end="")


if __name__ == "__main__":
    main()
