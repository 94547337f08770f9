"""The scorer: bundle + columns → probabilities. The only way anything is ever scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.bundle import Bundle
from churn.calibration import NoCalibration
from churn.columns import Columns, contract_columns
from churn.features import feature_set

Floats = NDArray[np.float64]


class Scorer:
    """Scores rows with one bundle.

    Raises:
        ChurnError: the bundle's contract names features that this version of the code lacks.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._features = feature_set(bundle.manifest.contract)

    def features(self, columns: Columns) -> Columns:
        """Model inputs of rows.

        Args:
            columns: the contract's columns, each (n,); optional ones may be absent.
        Returns:
            columns and derived features by name, each (n,), as they are before preparation.
        Raises:
            InvalidColumns: an unknown, absent or misshapen column.
        """
        return self._features.compute(contract_columns(columns, self.bundle.manifest.contract))

    def margins(self, columns: Columns) -> Floats:
        """What the trees say, in log-odds: (n,) float64, exact in float32."""
        matrix = self.bundle.manifest.preprocessor.matrix(self.features(columns))
        margins = self.bundle.booster.inplace_predict(matrix, predict_type="margin")
        return margins.astype(np.float64)

    def probabilities(self, columns: Columns) -> Floats:
        """Probability of churn.

        Args:
            columns: the contract's columns, each (n,); optional ones may be absent.
        Returns:
            (n,) float64 in [0, 1]. A row's value does not depend on the rows beside it.
        Raises:
            InvalidColumns: an unknown, absent or misshapen column.
        """
        return self.bundle.manifest.calibration.probabilities(self.margins(columns))

    def uncalibrated(self, columns: Columns) -> Floats:
        """The trees' own probabilities (n,), before calibration: for comparison only."""
        return NoCalibration().probabilities(self.margins(columns))

    def decisions(self, probabilities: Floats) -> NDArray[np.bool_]:
        """True where the probability reaches the decision threshold; shape (n,)."""
        return probabilities >= self.bundle.manifest.threshold
