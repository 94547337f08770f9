"""Why the model says what it says: what each model input adds to a customer's margin.

The margin is the model's own output in log-odds, before calibration, which rises with it; a
positive contribution therefore pushes towards churn. Contributions are exact Shapley values of the
trees (TreeSHAP; Lundberg, Erion and Lee, Consistent Individualized Feature Attribution for Tree
Ensembles, 2018), as XGBoost computes them, the one-hot columns of a category added up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xgboost
from numpy.typing import NDArray

from churn.columns import Columns
from churn.contract import LARGEST_EXACT, BooleanColumn, Column
from churn.preprocess import NumberInput, Preprocessor
from churn.scoring import Scorer

Floats = NDArray[np.float64]

# Contributions are whole multiples of 1/GRID, so that their sums are exact in float64. XGBoost
# computes them in float32, whose own error is about 1e-7: nothing known is lost.
GRID = 2.0**32


@dataclass(frozen=True)
class Contributions:
    """What each input adds to each row's margin.

    For every row, `base` and its `values` add up to the margin exactly, in any order, where the
    margin is 0 or at least 2^-20 (1e-6) away from it, and the absolute values of all stay below
    2^10 (1024) in sum: then all are multiples of 2^-43, and so is every sum of them, which float64
    holds. A margin closer to 0 is met within 1e-10.

    Attributes:
        inputs: the model inputs by name, each (n,), in the model's order.
        values: their contributions in log-odds (n, inputs), multiples of 2^-32.
        base: what remains of the margin (n,): the model's mean, and the error of rounding.
    """

    inputs: Columns
    values: Floats
    base: Floats


@dataclass(frozen=True)
class Reason:
    """One input's part in what the model says of one customer.

    Attributes:
        input: its name.
        value: what the customer has, in words, with its unit: `4 months`, `yes`, `missing`.
        contribution: to the margin, in log-odds; above 0 it pushes towards churn.
    """

    input: str
    value: str
    contribution: float

    @property
    def text(self) -> str:
        """In words, such as `tenure_months is 4 months: -0.32`."""
        return f"{self.input} is {self.value}: {self.contribution:+z.2f}"


def contributions(scorer: Scorer, columns: Columns) -> Contributions:
    """What each model input adds to the margin of each row.

    Args:
        scorer: of the bundle to explain.
        columns: the contract's columns, each (n,); optional ones may be absent.
    Returns:
        a row's values do not depend on the rows beside it.
    Raises:
        InvalidColumns: an unknown, absent or misshapen column.
    """
    features = scorer.features(columns)
    preprocessor = scorer.bundle.manifest.preprocessor
    matrix = preprocessor.matrix(features)
    margins = scorer.margins_of(matrix)
    values = _by_input(_shapley(scorer.bundle.booster, matrix), preprocessor)
    inputs = {one.name: features[one.name] for one in preprocessor.inputs}
    return Contributions(inputs, values, margins - values.sum(axis=1))


def reasons(scorer: Scorer, columns: Columns, top: int) -> list[list[Reason]]:
    """The strongest reasons for what the model says of each customer.

    Args:
        scorer: of the bundle to explain.
        columns: the contract's columns, each (n,); optional ones may be absent.
        top: how many for each customer; fewer where fewer inputs contribute anything.
    Returns:
        n lists, the strongest contribution first, of equals the one that comes first in the model.
    Raises:
        InvalidColumns: an unknown, absent or misshapen column.
    """
    found, known = contributions(scorer, columns), scorer.bundle.manifest.contract.columns
    names = [*found.inputs]
    strongest = np.argsort(-np.abs(found.values), axis=1, kind="stable")[:, :top]

    def reason(row: int, i: int) -> Reason:
        name = names[i]
        value = _in_words(found.inputs[name][row], known.get(name))
        return Reason(name, value, float(found.values[row, i]))

    return [
        [reason(row, i) for i in best if found.values[row, i] != 0]
        for row, best in enumerate(strongest.tolist())
    ]


def _shapley(booster: xgboost.Booster, matrix: NDArray[np.float32]) -> Floats:
    """XGBoost's contributions of the matrix's columns, on the grid; the same shape (n, columns)."""
    # One thread copies the rows; as many as the booster has explain them.
    data = xgboost.DMatrix(matrix, nthread=1)
    # The last column is the bias; without rows, the shape is lost.
    rows, width = matrix.shape
    found = booster.predict(data, pred_contribs=True).reshape(rows, width + 1)[:, :-1]
    return np.rint(found.astype(np.float64) * GRID) / GRID


def _by_input(values: Floats, preprocessor: Preprocessor) -> Floats:
    """Add up the one-hot columns of each category: (n, columns) → (n, inputs)."""
    widths = [1 if isinstance(o, NumberInput) else len(o.levels) for o in preprocessor.inputs]
    return np.add.reduceat(values, np.cumsum([0, *widths[:-1]]), axis=1)


def _in_words(value: str | float | None, column: Column | None) -> str:
    """A value of a column, or of a derived feature where there is no column."""
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return "missing"
    if isinstance(column, BooleanColumn):
        return "yes" if value else "no"
    digits = _digits(float(value))
    return f"{digits} {column.unit}" if column and column.unit else digits


def _digits(value: float) -> str:
    """Whole numbers whole, others with four significant digits: 1234567, 12.35, 0.5."""
    rounded = value if value.is_integer() else float(f"{value:.4g}")
    is_whole = rounded.is_integer() and abs(rounded) <= LARGEST_EXACT
    return f"{rounded:z.0f}" if is_whole else f"{rounded:.4g}"
