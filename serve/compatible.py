"""Whether a model takes every request that another one takes."""

from __future__ import annotations

import math

from churn.contract import (
    LARGEST_EXACT,
    BooleanColumn,
    CategoryColumn,
    Column,
    Contract,
    IntegerColumn,
    NumberColumn,
)
from churn.errors import IncompatibleModel

Bound = tuple[float, int]


def refuse_incompatible(version: str, new: Contract, old: Contract) -> None:
    """Check that callers of `old` need not change for `new`.

    A new optional column, a wider range and more words are no obstacle.

    Raises:
        IncompatibleModel: naming every obstacle.
    """
    problems = [] if new.id == old.id else [f"its id is {new.id}, not {old.id}"]
    for name in old.known_columns:
        if name not in new.known_columns:
            problems.append(f"{name} is unknown to it")
        elif obstacle := _obstacle(new.columns[name], old.columns[name]):
            problems.append(f"{name} {obstacle}")
    added = [name for name in new.known_columns if name not in old.known_columns]
    problems += [f"{name} is required" for name in added if new.columns[name].required]
    if problems:
        raise IncompatibleModel(version, problems)


def _obstacle(new: Column, old: Column) -> str | None:
    """Why not every value of `old` is one of `new`."""
    if new.required and not old.required:
        return "has become required"
    if isinstance(new, CategoryColumn) and isinstance(old, CategoryColumn):
        return _narrower_words(new, old)
    if isinstance(new, BooleanColumn) or isinstance(old, BooleanColumn | CategoryColumn):
        return None if type(new) is type(old) else f"is {new.type}, not {old.type}"
    return _narrower_range(new, old)


def _narrower_words(new: CategoryColumn, old: CategoryColumn) -> str | None:
    if new.values is None:
        return None
    if old.values is None:
        return "takes listed words only"
    gone = [word for word in old.values if word not in new.values]
    return f"no longer takes {', '.join(gone)}" if gone else None


def _narrower_range(new: Column, old: Column) -> str | None:
    if not isinstance(new, IntegerColumn | NumberColumn):
        return f"is {new.type}, not {old.type}"
    if isinstance(new, IntegerColumn) and isinstance(old, NumberColumn):
        (low, _), (high, _) = _bounds(old)
        # A single number may be whole.
        if low != high or not low.is_integer():
            return "takes whole numbers only"
    assert isinstance(old, IntegerColumn | NumberColumn)  # noqa: S101 - the caller has seen to it
    bounds = _whole_bounds if isinstance(old, IntegerColumn) else _bounds
    (new_low, new_high), (old_low, old_high) = bounds(new), bounds(old)
    is_wider = new_low <= old_low and new_high >= old_high
    return None if is_wider else f"must be {new.allowed}, was {old.allowed}"


def _bounds(column: IntegerColumn | NumberColumn) -> tuple[Bound, Bound]:
    """Both bounds: of the same number, one that excludes itself is the narrower."""
    lows = ((column.min, 0), (column.above, 1))
    highs = ((column.max, 0), (column.below, -1))
    low = max((-math.inf if one is None else one, out) for one, out in lows)
    return low, min((math.inf if one is None else one, out) for one, out in highs)


def _whole_bounds(column: IntegerColumn | NumberColumn) -> tuple[Bound, Bound]:
    """The least and the largest whole number that the column takes."""
    (low, low_is_out), (high, high_is_out) = _bounds(column)
    low, high = max(low, -LARGEST_EXACT), min(high, LARGEST_EXACT)
    least = math.floor(low) + 1 if low_is_out else math.ceil(low)
    return (least, 0), (math.ceil(high) - 1 if high_is_out else math.floor(high), 0)
