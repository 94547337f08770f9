"""Preparing model inputs: what is missing, what is extreme, and what is text.

`fit` sees training rows only. Its result is plain data that travels in the bundle, so the same
state is applied wherever a row is scored. Two steps: `encode` gives one float column for each input
(numbers filled and capped, categories as level numbers), `expand` turns level numbers into one-hot
columns. Resampling, which needs to know the categories, works between the two.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from churn.columns import PIECE, Array, Columns, most_frequent, numbered, row_count, take
from churn.contract import MISSING, Frozen
from churn.errors import NothingToLearnFrom
from churn.settings import PreprocessSettings

Matrix = NDArray[np.float64]
FLOAT32_MAX = float(np.finfo(np.float32).max)
# The level number of a word that is no level.
NO_LEVEL = -1.0


class NumberInput(Frozen):
    """Fitted state of one numeric input: caps, and the value that replaces a missing one."""

    name: str
    low: float
    high: float
    fill: float | None


class CategoryInput(Frozen):
    """Fitted state of one category: its levels; None among them is the level of missing values.

    A value that is no level, such as one never seen in training, belongs to none of them.
    """

    name: str
    levels: tuple[str | None, ...]
    fill: str | None

    @property
    def numbers(self) -> dict[str | None, float]:
        """The number of each level; None has one where missing values have."""
        numbers = {level: float(i) for i, level in enumerate(self.levels)}
        return numbers if self.fill is None else {**numbers, None: numbers[self.fill]}


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
            for name, level in self._columns()
        )

    @property
    def categorical(self) -> tuple[int, ...]:
        """Which columns of the encoded matrix hold level numbers."""
        return tuple(i for i, one in enumerate(self.inputs) if isinstance(one, CategoryInput))

    def encode(self, features: Columns) -> Matrix:
        """Features by name, each (n,) → matrix (n, inputs), float64."""
        row_count(features)
        return np.ascontiguousarray(self._encoded_inputs(features).T)

    def expand(self, encoded: Matrix) -> NDArray[np.float32]:
        """Encoded matrix (n, inputs) → model matrix (n, len(names)), float32."""
        return self._expanded(encoded.T)

    def matrix(self, features: Columns) -> NDArray[np.float32]:
        """Features by name, each (n,) → model matrix (n, len(names)), float32.

        Many rows are prepared a piece at a time, and nothing of their size but the result is made.
        """
        if (rows := row_count(features)) <= PIECE:
            return self._expanded(self._encoded_inputs(features))
        found = np.empty((rows, len(self._plan.input)), dtype=np.float32)
        for first in range(0, rows, PIECE):
            piece = slice(first, first + PIECE)
            found[piece] = self._expanded(self._encoded_inputs(take(features, piece)))
        return found

    def _encoded_inputs(self, features: Columns) -> Matrix:
        """Encoded inputs (inputs, n): a step for all of them, as one for each takes far longer."""
        plan = self._plan
        inputs = [
            features[name] if numbers is None else numbered(features[name], numbers, NO_LEVEL)
            for name, numbers in plan.lookups
        ]
        encoded = np.concatenate(inputs, dtype=np.float64).reshape(len(inputs), -1)
        encoded.clip(plan.low, plan.high, out=encoded)
        if plan.fills:
            np.copyto(encoded, plan.fill, where=np.isnan(encoded) & plan.is_filled)
        return encoded

    def _expanded(self, encoded: Matrix) -> NDArray[np.float32]:
        """Encoded inputs (inputs, n) → model matrix (n, len(names))."""
        plan = self._plan
        columns = encoded.take(plan.input, axis=0)
        np.equal(columns, plan.level, out=columns, where=plan.is_level)
        return columns.T.astype(np.float32, order="C")

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan(self.inputs)

    def _columns(self) -> list[tuple[str, object]]:
        return [
            (one.name, level)
            for one in self.inputs
            for level in ((...,) if isinstance(one, NumberInput) else one.levels)
        ]


class _Plan:
    """The inputs as arrays, made once for all calls.

    Attributes:
        lookups: name of each input, and of a category the numbers of its levels.
        low, high, fill, is_filled: of each input (inputs, 1); level numbers pass unchanged.
        fills: whether any is filled.
        input: which input each column of the model matrix is made of (columns,).
        level, is_level: the level number that a one-hot column stands for (columns, 1).
    """

    def __init__(self, inputs: tuple[NumberInput | CategoryInput, ...]) -> None:
        none = NumberInput.model_construct(name="", low=-np.inf, high=np.inf, fill=None)
        caps = [one if isinstance(one, NumberInput) else none for one in inputs]
        self.lookups = [
            (one.name, one.numbers if isinstance(one, CategoryInput) else None) for one in inputs
        ]
        self.low = _upright([one.low for one in caps])
        self.high = _upright([one.high for one in caps])
        self.is_filled = _upright([one.fill is not None for one in caps])
        self.fills = bool(self.is_filled.any())
        self.fill = _upright([0.0 if one.fill is None else one.fill for one in caps])
        levels = [
            (i, level)
            for i, one in enumerate(inputs)
            for level in (range(len(one.levels)) if isinstance(one, CategoryInput) else (-1,))
        ]
        self.input = np.array([i for i, _ in levels])
        self.level = _upright([float(level) for _, level in levels])
        self.is_level = self.level >= 0


def _upright(values: list[float]) -> Matrix:
    return np.array(values)[:, None]


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
    return values == None if values.dtype == object else np.isnan(values)  # noqa: E711  each


def _fit_number(name: str, present: Array, settings: PreprocessSettings) -> NumberInput:
    q = settings.cap_quantile
    # A rare yes among noes is no outlier.
    is_flag = bool(np.isin(present, (0, 1)).all())
    bounds = [-np.inf, np.inf] if q == 0 or is_flag else np.quantile(present, [q, 1 - q])
    low, high = np.clip(bounds, -FLOAT32_MAX, FLOAT32_MAX)
    fill = None
    if settings.missing_numbers == "median":
        fill = float(np.median(np.clip(present, low, high)))
    return NumberInput(name=name, low=float(low), high=float(high), fill=fill)


def _fit_category(name: str, values: Array, settings: PreprocessSettings) -> CategoryInput:
    frequent = most_frequent(values, settings.max_levels)
    levels: list[str | None] = [*sorted(frequent)]
    if settings.missing_categories == "mode":
        return CategoryInput(name=name, levels=tuple(levels), fill=frequent[0])
    if _missing(values).any():
        levels.append(None)
    return CategoryInput(name=name, levels=tuple(levels), fill=None)
