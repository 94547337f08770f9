"""The bundle as a scikit-learn Pipeline over a data frame, for the servers that take one.

Between the steps go columns, not frames, and the preparation is the bundle's own: both faster than
a frame of features and scikit-learn's encoders, so the servers look better for it.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from xgboost import XGBClassifier

from churn.bundle import Bundle
from churn.calibration import Calibration
from churn.columns import Columns, contract_columns
from churn.contract import CategoryColumn, Contract
from churn.features import feature_set


class Trees(XGBClassifier):
    """XGBoost's classifier, the bundle's calibration on its margins."""

    calibration: Calibration

    def predict_proba(self, *given: Any, **options: Any) -> np.ndarray:
        """Model matrix (n, inputs) → probabilities (n, 2)."""
        margins = self.predict(*given, output_margin=True, **options)
        churn = self.calibration.probabilities(margins.astype(np.float64))
        return np.column_stack([1 - churn, churn])


def features(frame: pd.DataFrame, contract: Contract) -> Columns:
    """Frame of the contract's columns (n rows) → model inputs."""
    columns = {
        name: _values(frame[name], isinstance(contract.columns[name], CategoryColumn))
        for name in contract.known_columns
        if name in frame
    }
    return feature_set(contract).compute(contract_columns(columns, contract))


def _values(values: pd.Series, is_category: bool) -> np.ndarray:
    if is_category:
        return values.astype(object).where(values.notna(), None).to_numpy(object)
    return values.to_numpy(np.float64, na_value=np.nan)


def pipeline(folder: Path = Path("models/churn")) -> Pipeline:
    """Features, preparation and trees of a bundle as one estimator."""
    bundle = Bundle.load(folder)
    manifest = bundle.manifest
    trees = Trees()
    trees.load_model(bytearray(bundle.booster.save_raw("ubj")))
    trees.calibration = manifest.calibration
    return Pipeline(
        [
            ("features", FunctionTransformer(partial(features, contract=manifest.contract))),
            ("prepare", FunctionTransformer(manifest.preprocessor.matrix)),
            ("trees", trees),
        ]
    )
