"""Customers of allowed values from which, together, no feature can be computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from churn.errors import WrongFeature
from churn.problems import Problem

Rows = NDArray[np.int64]
# Customers among whom those who cannot be scored are looked for one by one.
FEW = 8


def problem(error: WrongFeature) -> Problem:
    """What is wrong with such a customer."""
    return Problem(None, f"it cannot be scored: {error}", "values that are less extreme together")


def unscorable(score: Callable[[Rows], object], rows: Rows) -> dict[int, Problem]:
    """What is wrong with those of these customers of whom a feature cannot be computed.

    Args:
        score: computes the features of the rows that it is given.
        rows: in which to look (n,).
    Returns:
        problems by row.
    """
    try:
        score(rows)
    except WrongFeature as error:
        if len(rows) == 1:
            return {int(rows[0]): problem(error)}
        # By halves, as most often there are few of them; where there are many, halves cost more.
        parts = np.array_split(rows, 2 if len(rows) > FEW else len(rows))
        return {i: one for part in parts for i, one in unscorable(score, part).items()}
    return {}
