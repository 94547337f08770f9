"""An evaluated model, small, for what comes after evaluation."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from churn import training
from churn.bundle import Bundle
from churn.features import feature_set
from churn.settings import TrackingSettings
from churn.synthetic import draw
from churn.tracking import Run
from tests.small import small_parameters

PARAMETERS = small_parameters(600, current_rows=50, n_estimators=5)


@functools.cache
def small_bundle() -> Bundle:
    """A bundle of five trees."""
    drawn = draw(PARAMETERS.source, "history")
    features = feature_set(PARAMETERS.table).compute(drawn.columns)
    labels = drawn.churned.astype(np.float64)
    return training.train(drawn.columns, features, labels, PARAMETERS, "0" * 64).bundle


def evaluated(folder: Path, uri: str, metrics: dict[str, Any] | None = None) -> Run:
    """A run whose bundle and report are in `folder`, to be tracked at `uri`."""
    bundle, page, plots = folder / "churn", folder / "evaluation.html", folder / "plots"
    small_bundle().save(bundle)
    page.write_text("<p>good</p>")
    plots.mkdir(exist_ok=True)
    (plots / "roc.csv").write_text("x,y\n0,0\n")
    tracking = TrackingSettings(uri=uri, experiment="churn")
    parameters = PARAMETERS.model_copy(update={"tracking": tracking})
    found = metrics or {"n": 100, "f1": 0.5, "ceiling": {"roc_auc": 0.9}}
    return Run(parameters, found, bundle, (page, plots))
