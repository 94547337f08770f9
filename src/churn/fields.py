"""What a customer in a request may hold: one field for each column of the contract.

`Field.read` says of one value what it is worth or what is wrong with it, and is the only place that
decides. `Field.column` reads many at once: where all are plainly right it takes them as they are,
else it asks `read` of each.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.contract import (
    LARGEST_EXACT,
    BooleanColumn,
    CategoryColumn,
    Column,
    IntegerColumn,
    NumberColumn,
)
from churn.problems import Problem, Refused, shown, spelling

Array = NDArray[Any]
LONGEST_TEXT = 200
# Words without control characters, with spaces between them only.
_CHARACTER = "!-~\u00a1-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff"
TEXT = re.compile(f"[{_CHARACTER}](?:[ {_CHARACTER}]*[{_CHARACTER}])?")
TEXT_ALLOWED = f"text of 1 to {LONGEST_TEXT} characters"


class Field(ABC):
    """One field of a customer.

    Attributes:
        name: of the field, as the contract has it.
        required: whether it must be there and not null.
        allowed: what is allowed, in words.
        missing: what stands for an absent value among the columns.
    """

    missing: float | None = math.nan

    def __init__(self, name: str, allowed: str, *, required: bool) -> None:
        self.name = name
        self.required = required
        self.allowed = allowed

    @abstractmethod
    def read(self, value: object) -> float | str:
        """The value as it travels through scoring; `value` is not None.

        Raises:
            Refused: it is not allowed.
        """

    @abstractmethod
    def accepted(self, values: Sequence[Any]) -> Array | None:
        """Values (n,) at once, None for missing, if all are plainly right; None otherwise."""

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """JSON Schema of a value."""

    def problem(self, value: object) -> Problem | None:
        """What is wrong with a value, None for an absent one."""
        if value is None:
            return Problem(self.name, "missing", self.allowed) if self.required else None
        try:
            self.read(value)
        except Refused as refused:
            return Problem(self.name, str(refused), self.allowed)
        return None

    def column(self, values: Sequence[Any]) -> tuple[Array, dict[int, Problem]]:
        """Read a whole column.

        Args:
            values: of n customers, None for missing.
        Returns:
            the column (n,), and what is wrong by row; such rows hold a missing value.
        """
        if not (self.required and None in values):
            column = self.accepted(values)
            if column is not None:
                return column, {}
        problems = {i: p for i, value in enumerate(values) if (p := self.problem(value))}
        absent = [i in problems or value is None for i, value in enumerate(values)]
        read = [self.missing if absent[i] else self.read(v) for i, v in enumerate(values)]
        return np.array(read, dtype=object if self.missing is None else np.float64), problems


class NumberField(Field):
    """A number, or a whole one, within the contract's bounds."""

    def __init__(self, name: str, column: IntegerColumn | NumberColumn) -> None:
        super().__init__(name, column.allowed, required=column.required)
        self._whole = isinstance(column, IntegerColumn)
        largest = float(LARGEST_EXACT) if self._whole else math.inf
        lows = [bound for bound in (column.min, column.above) if bound is not None]
        highs = [bound for bound in (column.max, column.below) if bound is not None]
        self._low, self._high = max(lows, default=-largest), min(highs, default=largest)
        # The bound itself is allowed unless one of those that exclude it is the tightest.
        self._low_is_out = column.above is not None and column.above == self._low
        self._high_is_out = column.below is not None and column.below == self._high
        self._is_wide = max(-self._low, self._high) >= LARGEST_EXACT

    def read(self, value: object) -> float:
        """Integers and floats; no text, no boolean."""
        if type(value) is not float and type(value) is not int:
            raise Refused(f"{shown(value)} is no number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise Refused(f"{shown(value)} is not finite")
        if self._whole and number != math.floor(number):
            raise Refused(f"{shown(value)} is not whole")
        # The value as it was sent: its float64 may lie on a bound that a whole number is beyond.
        if value < self._low or (self._low_is_out and value == self._low):
            raise Refused(f"{shown(value)} is too low")
        if value > self._high or (self._high_is_out and value == self._high):
            raise Refused(f"{shown(value)} is too high")
        # Not -0.0, which no customer means and which 1/x would tell apart.
        return number + 0.0

    def accepted(self, values: Sequence[Any]) -> Array | None:
        """One comparison with each bound."""
        types = set(map(type, values))
        if not types <= {float, int, type(None)}:
            return None
        try:
            numbers = np.array(values, dtype=np.float64)
        except OverflowError:
            return None
        if int in types and self.doubtful(numbers).any():
            return None
        # A NaN is a null, or was sent and is to be refused.
        is_nan = np.isnan(numbers)
        nulls = values.count(None) if type(None) in types else 0
        is_right = int(is_nan.sum()) == nulls and bool((self.right(numbers) | is_nan).all())
        return numbers + 0.0 if is_right else None

    def right(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which numbers (n,) are allowed; NaN is not."""
        right = numbers > self._low if self._low_is_out else numbers >= self._low
        right &= numbers < self._high if self._high_is_out else numbers <= self._high
        right &= np.isfinite(numbers)
        if self._whole:
            right &= np.floor(numbers) == numbers
        return right

    def doubtful(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Of which numbers (n,) the integer that was given may be beyond a bound and they not."""
        return (np.abs(numbers) >= LARGEST_EXACT) & self._is_wide

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of a value."""
        found: dict[str, Any] = {"type": "integer" if self._whole else "number"}
        if math.isfinite(self._low):
            found["exclusiveMinimum" if self._low_is_out else "minimum"] = self._plain(self._low)
        if math.isfinite(self._high):
            found["exclusiveMaximum" if self._high_is_out else "maximum"] = self._plain(self._high)
        return found

    @staticmethod
    def _plain(bound: float) -> float | int:
        return int(bound) if bound.is_integer() else bound


class BooleanField(Field):
    """A yes or no."""

    def __init__(self, name: str, column: BooleanColumn) -> None:
        super().__init__(name, "true or false", required=column.required)

    def read(self, value: object) -> float:
        """JSON's true and false only."""
        if not isinstance(value, bool):
            raise Refused(f"{shown(value)} is neither true nor false")
        return float(value)

    def accepted(self, values: Sequence[Any]) -> Array | None:
        """Booleans and nulls."""
        is_plain = set(map(type, values)) <= {bool, type(None)}
        return np.array(values, dtype=np.float64) if is_plain else None

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of a value."""
        return {"type": "boolean"}


class TextField(Field):
    """Any text of a sensible length: a category without a list, or the customer's id."""

    missing = None

    def __init__(self, name: str, *, required: bool) -> None:
        super().__init__(name, TEXT_ALLOWED, required=required)

    def read(self, value: object) -> str:
        """Text as `TEXT` has it: a database may refuse control characters."""
        if not isinstance(value, str):
            raise Refused(f"{shown(value)} is no text")
        if len(value) > LONGEST_TEXT:
            raise Refused(f"{shown(value)} is longer than {LONGEST_TEXT} characters")
        if not TEXT.fullmatch(value):
            raise Refused(f"{shown(value)} is empty, or has space around it or control characters")
        return value

    def accepted(self, values: Sequence[Any]) -> Array | None:
        """Text and nulls."""
        types = set(map(type, values))
        if not types <= {str, type(None)}:
            return None
        texts = [one for one in values if one is not None] if type(None) in types else values
        lengths = [*map(len, texts)]
        if lengths and not 0 < min(lengths) <= max(lengths) <= LONGEST_TEXT:
            return None
        # Where there is nothing unusual in any of them, one look at all of them is enough.
        together = "".join(texts)
        is_plain = together.isascii() and together.isprintable() and " " not in together
        if not is_plain and not all(map(TEXT.fullmatch, texts)):
            return None
        return np.array(values, dtype=object)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of a value."""
        return {"type": "string", "maxLength": LONGEST_TEXT, "pattern": f"^(?:{TEXT.pattern})$"}


class CategoryField(Field):
    """One of the contract's words."""

    missing = None

    def __init__(self, name: str, column: CategoryColumn, values: Sequence[str]) -> None:
        super().__init__(name, column.allowed, required=column.required)
        self._values = values
        self._known = frozenset(values)
        self._spellings = {spelling(value): value for value in values}

    def read(self, value: object) -> str:
        """A listed word, as it is written there."""
        if not isinstance(value, str):
            raise Refused(f"{shown(value)} is no text")
        if value not in self._known:
            meant = self._spellings.get(spelling(value[:LONGEST_TEXT]))
            hint = f" (did you mean {meant!r}?)" if meant else ""
            raise Refused(f"{shown(value)} is not one of them{hint}")
        return value

    def accepted(self, values: Sequence[Any]) -> Array | None:
        """Listed words and nulls."""
        # Text only: of numbers, whoever sends them can choose many that collide in a set.
        if not set(map(type, values)) <= {str, type(None)}:
            return None
        is_known = set(values) <= self._known | {None}
        return np.array(values, dtype=object) if is_known else None

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of a value."""
        return {"type": "string", "enum": [*self._values]}


def field(name: str, column: Column) -> Field:
    """The field of one column."""
    if isinstance(column, CategoryColumn):
        if column.values is None:
            return TextField(name, required=column.required)
        return CategoryField(name, column, column.values)
    if isinstance(column, BooleanColumn):
        return BooleanField(name, column)
    return NumberField(name, column)
