"""What is done about the rarity of churners: weights or resampling, on training rows only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.errors import CannotResample
from churn.settings import BalanceSettings

Matrix = NDArray[np.float64]
Labels = NDArray[np.float64]
NEIGHBOURS = 5


def adds_rows(settings: BalanceSettings) -> bool:
    """Whether churners are added; `none` and `class_weight` add none."""
    return settings.method not in ("none", "class_weight")


def resample(
    encoded: Matrix, labels: Labels, categorical: tuple[int, ...], settings: BalanceSettings
) -> tuple[Matrix, Labels]:
    """Add churners until both classes are of one size, or change nothing.

    Args:
        encoded: training rows (n, inputs), categories as level numbers.
        labels: (n,), 1 for churners.
        categorical: which columns hold level numbers.
        settings: the `balance` group.
    Returns:
        rows and labels, the original ones first.
    Raises:
        CannotResample: SMOTE on rows with missing numbers, without numbers, or too few churners.
    """
    if not adds_rows(settings):
        return encoded, labels
    if settings.method == "smote":
        categorical = _nominal(encoded, categorical)
        _refuse_unfit(encoded, labels, categorical)
    # Imported here: half a second that `balance=none`, the default, need not pay.
    from imblearn.over_sampling import SMOTE, SMOTENC, RandomOverSampler
    from threadpoolctl import threadpool_limits

    if settings.method == "random_over":
        sampler = RandomOverSampler(random_state=settings.seed)
    elif categorical:
        sampler = SMOTENC(list(categorical), random_state=settings.seed, k_neighbors=NEIGHBOURS)
    else:
        sampler = SMOTE(random_state=settings.seed, k_neighbors=NEIGHBOURS)
    # The neighbour search splits its work by threads, and ties then fall differently.
    with threadpool_limits(limits=1):
        rows, outcomes = sampler.fit_resample(encoded, labels)
    return np.asarray(rows, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)


def _nominal(encoded: Matrix, categorical: tuple[int, ...]) -> tuple[int, ...]:
    """Categories, and numbers that are only ever 0 and 1: half a yes is nothing."""
    flags = np.flatnonzero(np.isin(encoded, (0, 1)).all(axis=0))
    return tuple(sorted({*categorical, *flags.tolist()}))


def _refuse_unfit(encoded: Matrix, labels: Labels, categorical: tuple[int, ...]) -> None:
    if np.isnan(encoded).any():
        raise CannotResample("numbers are missing (preprocess.missing_numbers=median fills them)")
    if len(categorical) == encoded.shape[1]:
        raise CannotResample("every input is a category")
    if (churners := int(labels.sum())) <= NEIGHBOURS:
        raise CannotResample(f"{churners} churners, more than {NEIGHBOURS} are needed")


def churner_weight(rows: int, churners: int, settings: BalanceSettings) -> float:
    """Weight of a churner against another customer: their ratio for `class_weight`, else 1."""
    if settings.method != "class_weight":
        return 1.0
    return (rows - churners) / churners
