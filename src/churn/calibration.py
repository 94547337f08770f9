"""Calibration: from the margin of the trees (log-odds) to a probability.

Plain data that travels in the bundle. `fit` sees out-of-fold margins only: those of rows that the
trees have not learnt from.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from churn import exact
from churn.contract import Frozen

Floats = NDArray[np.float64]

# Log-odds a little further out, a float64 cannot tell the probability from 1: nobody is certain.
CERTAIN = 36.0


class NoCalibration(Frozen):
    """The trees' own probability, the logistic function of the margin."""

    method: Literal["none"] = "none"

    def probabilities(self, margins: Floats) -> Floats:
        """Margins (n,) → probabilities (n,)."""
        return _probabilities(margins)


class Sigmoid(Frozen):
    """The logistic function of slope · margin + intercept (Platt, 1999)."""

    method: Literal["sigmoid"] = "sigmoid"
    slope: float
    intercept: float

    def probabilities(self, margins: Floats) -> Floats:
        """Margins (n,) → probabilities (n,)."""
        return _probabilities(self.slope * margins + self.intercept)


class Isotonic(Frozen):
    """A line that never falls, through the given points, level beyond the outer ones.

    Attributes:
        margins: of the points, rising.
        points: their probabilities.
    """

    method: Literal["isotonic"] = "isotonic"
    margins: tuple[float, ...]
    points: tuple[float, ...]

    def probabilities(self, margins: Floats) -> Floats:
        """Margins (n,) → probabilities (n,)."""
        return np.interp(margins, self.margins, self.points)


def _probabilities(log_odds: Floats) -> Floats:
    return exact.sigmoid(np.minimum(np.maximum(log_odds, -CERTAIN), CERTAIN))


Calibration = Annotated[NoCalibration | Sigmoid | Isotonic, Field(discriminator="method")]
