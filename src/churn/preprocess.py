"""Preparing model inputs: what is missing, what is extreme, and what is text.

`fit` sees training rows only. Its result is plain data that travels in the bundle, so the same
state is applied wherever a row is scored. Two steps: `encode` gives one float column for each input
(numbers filled and capped, categories as level numbers), `expand` turns level numbers into one-hot
columns. Resampling, which needs to know the categories, works between the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from churn.columns import Array, Columns, most_frequent, row_count
from churn.contract import MISSING, Frozen
from churn.errors import NothingToLearnFrom
from churn.settings import PreprocessSettings

Matrix = NDArray[np.float64]
FLOAT32_MAX = float(np.finfo(np.float32).max)


class NumberInput(Frozen):
    """Fitted state of one numeric input: caps, and the value that replaces a missing one."""

    name: str
    low: float
    high: float
    fill: float | None

    def encode(self, values: Array) -> Array:
        """Cap, then fill; shape (n,)."""
        capped = np.clip(values, self.low, self.high)
        return capped if self.fill is None else np.where(np.isnan(capped), self.fill, capped)


class CategoryInput(Frozen):
    """Fitted state of one category: its levels; None among them is the level of missing values.

    A value that is no level, such as one never seen in training, belongs to none of them.
    """

    name: str
    levels: tuple[str | None, ...]
    fill: str | None

    def encode(self, values: Array) -> Array:
        """Level numbers, -1 for none; shape (n,)."""
        number = {level: float(i) for i, level in enumerate(self.levels)}
        if self.fill is not None:
            number[None] = number[self.fill]
        return np.array([number.get(value, -1.0) for value in values], dtype=np.float64)


class DroppedInput(Frozen):
    """An input that was missing too often: its name and the share of training rows missing."""

    name: str
    missing: float


class Preprocessor(Frozen):
    """The fitted preparation of all inputs, in the order of the model's columns."""

    inputs: tuple[NumberInput | CategoryInput, ...]
    dropped: tuple[DroppedInput, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the model matrix: `age`, `contract=One year`, `contract=(missing)`, …"""
        return tuple(
            name if level is ... else f"{name}={MISSING if level is None else level}"
            for name, level in self._expanded()
        )

    @property
    def categorical(self) -> tuple[int, ...]:
        """Which columns of the encoded matrix hold level numbers."""
        return tuple(i for i, one in enumerate(self.inputs) if isinstance(one, CategoryInput))

    def encode(self, features: Columns) -> Matrix:
        """Features by name, each (n,) → matrix (n, inputs), float64."""
        encoded = np.empty((row_count(features), len(self.inputs)))
        for i, one in enumerate(self.inputs):
            encoded[:, i] = one.encode(features[one.name])
        return encoded

    def expand(self, encoded: Matrix) -> NDArray[np.float32]:
        """Encoded matrix (n, inputs) → model matrix (n, len(names)), float32."""
        matrix = np.empty((len(encoded), len(self.names)), dtype=np.float32)
        at = 0
        for i, one in enumerate(self.inputs):
            if isinstance(one, NumberInput):
                matrix[:, at] = encoded[:, i]
                at += 1
            else:
                width = len(one.levels)
                matrix[:, at : at + width] = encoded[:, i, None] == np.arange(width)
                at += width
        return matrix

    def matrix(self, features: Columns) -> NDArray[np.float32]:
        """Features by name, each (n,) → model matrix (n, len(names)), float32."""
        return self.expand(self.encode(features))

    def _expanded(self) -> list[tuple[str, object]]:
        return [
            (one.name, level)
            for one in self.inputs
            for level in ((...,) if isinstance(one, NumberInput) else one.levels)
        ]


def fit(features: Columns, settings: PreprocessSettings) -> Preprocessor:
    """Learn the preparation from training rows.

    Args:
        features: model inputs by name, each (n,).
        settings: the `preprocess` group.
    Raises:
        NothingToLearnFrom: every input is missing too often.
    """
    inputs: list[NumberInput | CategoryInput] = []
    dropped: list[DroppedInput] = []
    for name, values in features.items():
        is_category = values.dtype == object
        missing = _missing(values)
        if (share := float(missing.mean())) > settings.max_missing or share == 1:
            dropped.append(DroppedInput(name=name, missing=share))
        elif is_category:
            inputs.append(_fit_category(name, values, settings))
        else:
            inputs.append(_fit_number(name, values[~missing], settings))
    if not inputs:
        raise NothingToLearnFrom([one.name for one in dropped])
    return Preprocessor(inputs=tuple(inputs), dropped=tuple(dropped))


def _missing(values: Array) -> NDArray[np.bool_]:
    if values.dtype == object:
        return np.array([value is None for value in values], dtype=bool)
    return np.isnan(values)


def _fit_number(name: str, present: Array, settings: PreprocessSettings) -> NumberInput:
    q = settings.cap_quantile
    # A rare yes among noes is no outlier.
    is_flag = bool(np.isin(present, (0, 1)).all())
    bounds = [-np.inf, np.inf] if q == 0 or is_flag else np.quantile(present, [q, 1 - q])
    low, high = np.clip(bounds, -FLOAT32_MAX, FLOAT32_MAX)
    median = np.median(np.clip(present, low, high))
    fill = float(median) if settings.missing_numbers == "median" else None
    return NumberInput(name=name, low=float(low), high=float(high), fill=fill)


def _fit_category(name: str, values: Array, settings: PreprocessSettings) -> CategoryInput:
    frequent = most_frequent(values, settings.max_levels)
    levels: list[str | None] = [*sorted(frequent)]
    if settings.missing_categories == "mode":
        return CategoryInput(name=name, levels=tuple(levels), fill=frequent[0])
    if _missing(values).any():
        levels.append(None)
    return CategoryInput(name=name, levels=tuple(levels), fill=None)
