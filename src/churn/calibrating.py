"""Fitting a calibration on out-of-fold margins, and choosing the best by cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from churn import exact, metrics
from churn.calibration import Calibration, Isotonic, NoCalibration, Sigmoid
from churn.settings import CalibrationSettings

Floats = NDArray[np.float64]
Method = Literal["none", "sigmoid", "isotonic"]
# The simplest first: of equals it is taken.
METHODS: tuple[Method, ...] = ("none", "sigmoid", "isotonic")
MOST_STEPS, MOST_HALVINGS, PRECISE = 100, 30, 1e-12


@dataclass(frozen=True)
class Calibrated:
    """The calibration taken, fitted on all rows, and how the methods compare.

    Attributes:
        calibration: for the bundle.
        scores: what its method gives each row when fitted on the other folds; (n,).
        log_losses: by method, mean over such scores.
    """

    calibration: Calibration
    scores: Floats
    log_losses: Mapping[Method, float]


def calibrate(
    margins: Floats,
    labels: Floats,
    held_out: Sequence[NDArray[np.int64]],
    settings: CalibrationSettings,
) -> Calibrated:
    """Fit the calibration that the settings name, or the best of all.

    Best is the simplest whose log loss is within one standard error of the lowest (Breiman et al.,
    1984), the error being that of the paired difference: a method has to earn its place.

    Args:
        margins: out of fold, (n,).
        labels: (n,), 1 for churners.
        held_out: the rows of each fold; a method is fitted on the others and measured on these.
        settings: the `calibration` group.
    """
    scores = {method: _scores(method, margins, labels, held_out) for method in METHODS}
    losses = {method: metrics.log_losses(labels, found) for method, found in scores.items()}
    method = _simplest_of_the_best(losses) if settings.method == "best" else settings.method
    means = {name: float(values.mean()) for name, values in losses.items()}
    return Calibrated(fit(method, margins, labels), scores[method], means)


def _simplest_of_the_best(losses: Mapping[Method, Floats]) -> Method:
    best = min(METHODS, key=lambda one: losses[one].mean())
    for method in METHODS:
        worse = losses[method] - losses[best]
        if worse.mean() <= worse.std() / np.sqrt(len(worse)):
            return method
    return best


def fit(method: Method, margins: Floats, labels: Floats) -> Calibration:
    """Fit one method; margins, labels (n,), both outcomes present."""
    if method == "sigmoid":
        return _sigmoid(margins, labels)
    return _isotonic(margins, labels) if method == "isotonic" else NoCalibration()


def _scores(
    method: Method, margins: Floats, labels: Floats, held_out: Sequence[NDArray[np.int64]]
) -> Floats:
    """Of each row by the method fitted on the other folds; (n,)."""
    scores = np.empty(len(labels))
    for rows in held_out:
        others = np.ones(len(labels), dtype=bool)
        others[rows] = False
        fitted = fit(method, margins[others], labels[others])
        scores[rows] = fitted.probabilities(margins[rows])
    return scores


def _isotonic(scores: Floats, labels: Floats) -> Isotonic:
    """The nearest line that never falls, by squares (pool adjacent violators; Barlow, 1972)."""
    # One row more of each outcome than there is: no finite number of rows proves a certainty.
    least = 1 / (len(labels) + 2)
    line = IsotonicRegression(y_min=least, y_max=1 - least).fit(scores, labels)
    margins, points = line.X_thresholds_.tolist(), line.y_thresholds_.tolist()
    return Isotonic(margins=tuple(margins), points=tuple(points))


def _sigmoid(margins: Floats, labels: Floats) -> Sigmoid:
    """Slope, at least 0, and intercept with the least log loss, by Newton's method, steps halved.

    Targets are Platt's (1999), moved off 0 and 1; the iteration is that of Lin, Lin and Weng
    (2007). Written here, since a solver on BLAS gives other last bits with other threads.
    """
    churners = labels.sum()
    others = len(labels) - churners
    targets = np.where(labels == 1, (churners + 1) / (churners + 2), 1 / (others + 2))
    found = Sigmoid(slope=1, intercept=0)
    loss = _cross_entropy(found, margins, targets)
    for _ in range(MOST_STEPS):
        step = _newton_step(found, margins, targets)
        for halving in range(MOST_HALVINGS):
            size = 0.5**halving
            tried = Sigmoid(
                slope=found.slope - size * step[0], intercept=found.intercept - size * step[1]
            )
            if (tried_loss := _cross_entropy(tried, margins, targets)) < loss:
                break
        gain = loss - tried_loss
        if gain <= 0:
            break
        found, loss = tried, tried_loss
        if gain <= PRECISE:
            break
    return found if found.slope >= 0 else _same_for_all(targets)


def _same_for_all(targets: Floats) -> Sigmoid:
    """The best slope that is not below 0: a falling one would call the riskiest the safest."""
    share = targets.mean()
    return Sigmoid(slope=0, intercept=float(exact.log(share / (1 - share))))


def _newton_step(at: Sigmoid, margins: Floats, targets: Floats) -> tuple[float, float]:
    """Inverse Hessian times gradient of the cross-entropy, for slope and intercept."""
    shares = at.probabilities(margins)
    error, weight = shares - targets, shares * (1 - shares) + PRECISE
    total = weight.sum()
    # About the weighted mean slope and intercept do not touch, and nothing is lost to rounding.
    middle = (weight * margins).sum() / total
    around = margins - middle
    # More than 0, also where all margins are one number.
    spread = (weight * around**2).sum() + PRECISE * total
    slope = (error * around).sum() / spread
    return float(slope), float(error.sum() / total - slope * middle)


def _cross_entropy(at: Sigmoid, margins: Floats, targets: Floats) -> float:
    """Mean over the rows, in a form that does not overflow."""
    z = at.slope * margins + at.intercept
    softplus = np.maximum(z, 0) + exact.log(1 + exact.exp(-np.abs(z)))
    return float((softplus - targets * z).mean())
