"""The scorer: bundle + columns → probabilities. The only way anything is ever scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.bundle import Bundle
from churn.columns import Columns, contract_columns
from churn.features import feature_set

Probabilities = NDArray[np.float64]


class Scorer:
    """Scores rows with one bundle.

    Raises:
        ChurnError: the bundle's contract names features that this version of the code lacks.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._features = feature_set(bundle.manifest.contract)

    def probabilities(self, columns: Columns) -> Probabilities:
        """Probability of churn.

        Args:
            columns: the contract's columns, each (n,); optional ones may be absent.
        Returns:
            (n,) float64 in [0, 1]. A row's value does not depend on the rows beside it.
        Raises:
            InvalidColumns: an unknown, absent or misshapen column.
        """
        manifest = self.bundle.manifest
        features = self._features.compute(contract_columns(columns, manifest.contract))
        matrix = manifest.preprocessor.matrix(features)
        return self.bundle.booster.inplace_predict(matrix).astype(np.float64)

    def decisions(self, probabilities: Probabilities) -> NDArray[np.bool_]:
        """True where the probability reaches the decision threshold; shape (n,)."""
        return probabilities >= self.bundle.manifest.threshold
