"""The scorer: bundle + columns → probabilities. The only way anything is ever scored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from churn.bundle import Bundle
from churn.calibration import NoCalibration
from churn.columns import PIECE, Columns, contract_columns, row_count, take
from churn.errors import FeaturesGone, InvalidBundle
from churn.features import feature_set
from churn.forest import MOST_ROWS, Forest, forest
from churn.golden import golden

Floats = NDArray[np.float64]


class Scorer:
    """Scores rows with one bundle.

    Raises:
        FeaturesGone: the trees ask for features that this version of the code lacks.
        ChurnError: the bundle's contract names a module of features that cannot be used.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._features = feature_set(bundle.manifest.contract)
        inputs = [one.name for one in bundle.manifest.preprocessor.inputs]
        if gone := [name for name in inputs if name not in self._features.names]:
            raise FeaturesGone(gone)

    @classmethod
    def load(cls, folder: Path, threads: int) -> Scorer:
        """Read a bundle, check its hashes, and that its golden rows score as they should.

        Args:
            folder: of the bundle.
            threads: that the trees may use.
        Raises:
            ChurnError: one of the classes for bundles, contracts and features.
        """
        with fitting_together(folder):
            bundle = Bundle.load(folder)
            bundle.booster.set_param({"nthread": threads})
            scorer = cls(bundle)
            scorer.check()
            return scorer

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
        return self.margins_of(self.matrix(columns))

    def matrix(self, columns: Columns) -> NDArray[np.float32]:
        """Model matrix (n, inputs) of rows; many are prepared a piece at a time.

        Raises:
            InvalidColumns: an unknown, absent or misshapen column.
            WrongFeature: a feature cannot be computed for one of them.
        """
        preprocessor = self.bundle.manifest.preprocessor
        if (rows := row_count(columns)) <= PIECE:
            return preprocessor.matrix(self.features(columns))
        found = np.empty((rows, len(preprocessor.names)), dtype=np.float32)
        for first in range(0, rows, PIECE):
            piece = slice(first, first + PIECE)
            found[piece] = preprocessor.matrix(self.features(take(columns, piece)))
        return found

    def margins_of(self, matrix: NDArray[np.float32]) -> Floats:
        """The same of a model matrix (n, inputs): the bits do not depend on the number of rows."""
        few = self._forest if len(matrix) <= MOST_ROWS else None
        if few and len(matrix) <= few.most_rows:
            return few.margins(matrix).astype(np.float64)
        margins = self.bundle.booster.inplace_predict(matrix, predict_type="margin")
        return margins.astype(np.float64)

    @cached_property
    def _forest(self) -> Forest | None:
        # Built when first needed: a stage that scores whole tables never does.
        return forest(self.bundle.booster)

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

    def check(self) -> None:
        """Score the bundle's golden rows again, as few and as many rows are scored.

        Raises:
            OtherProbability: a bit is not what it was when the model was trained.
            ChurnError: what the feature functions of today cannot compute.
        """
        if self.bundle.golden:
            self.bundle.golden.check(self.bundle.manifest.contract, self.probabilities)

    def decisions(self, probabilities: Floats) -> NDArray[np.bool_]:
        """True where the probability reaches the decision threshold; shape (n,)."""
        return probabilities >= self.bundle.manifest.threshold


@contextmanager
def fitting_together(folder: Path) -> Iterator[None]:
    """Turn what XGBoost, numpy and pydantic raise of an odd bundle into one error that says so.

    Raises:
        InvalidBundle: its parts do not fit together.
    """
    try:
        yield
    except (ValueError, LookupError, TypeError) as error:
        first = str(error).partition("\n")[0]
        raise InvalidBundle(folder, f"its parts do not fit together: {first}") from error


def with_golden(bundle: Bundle) -> Bundle:
    """The bundle with golden rows, scored as it scores them now.

    Raises:
        WrongFeature: a feature cannot be computed for any of them.
    """
    rows = golden(bundle.manifest.contract, bundle.reference, Scorer(bundle).probabilities)
    return Bundle(bundle.manifest, bundle.reference, bundle.booster, rows)
