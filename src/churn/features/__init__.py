"""Feature functions: from the columns of a contract to the inputs of a model.

A table's features are the public functions of one module in this package. A function's parameters
name the columns, constants and other features that it needs; it works on whole arrays, has no
state and never sees the target, nor a column that is known only after the event. The order of
computation follows from the parameters.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

import numpy as np

from churn.columns import Array, Columns, row_count
from churn.contract import SCORE, Contract
from churn.errors import (
    ChurnError,
    CircularFeatures,
    FeatureKnownTooLate,
    FeatureNameTaken,
    UnknownFeatureInput,
    UnknownFeatureModule,
    WrongFeature,
)

Feature = Callable[..., Array]
# Rows of a request, for which it would take as long as the features themselves to watch over them.
# No function that changes its arguments comes there: none can be trained with.
FEW = 64


@dataclass(frozen=True)
class FeatureSet:
    """The features of one contract, in an order in which each finds what it needs.

    Attributes:
        columns: names of the contract's columns that are model inputs: none that is known only
            after the event.
        totals: by name, the columns that are added up (`Contract.totals`).
        constants: numbers of the contract.
        functions: feature functions by name, dependencies first.
    """

    columns: tuple[str, ...]
    totals: Mapping[str, tuple[str, ...]]
    constants: Mapping[str, float]
    functions: Mapping[str, Feature]

    @property
    def derived(self) -> tuple[str, ...]:
        """Model inputs that are no columns."""
        return (*self.totals, *self.functions)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every model input, columns first."""
        return (*self.columns, *self.derived)

    @cached_property
    def _calls(self) -> list[tuple[str, Feature, tuple[str, ...]]]:
        """Name, function and parameters: to look them up takes longer than to compute a row."""
        return [(name, one, _parameters(one)) for name, one in self.functions.items()]

    def compute(self, columns: Columns) -> Columns:
        """Add the features to the columns.

        Args:
            columns: the contract's columns, each an array of shape (n,). Those known only after
                the event may be among them and are left out.
        Returns:
            model inputs by name, each of shape (n,); numbers are float64 with NaN for missing,
            categories are objects with None for missing.
        Raises:
            WrongFeature: a function failed, or returned no column or infinite values.
        """
        rows = row_count(columns)
        totals = {name: sum(columns[one] for one in parts) for name, parts in self.totals.items()}
        known: dict[str, Array | float] = {**self.constants, **columns, **totals}
        for name, function, parameters in self._calls:
            needed = {parameter: known[parameter] for parameter in parameters}
            if rows > FEW:
                needed = {parameter: _frozen(values) for parameter, values in needed.items()}
            try:
                known[name] = _as_column(name, function(**needed), rows)
            except ChurnError:
                raise
            except Exception as error:
                raise WrongFeature(name, _where(error), rows) from error
        return {name: known[name] for name in self.names}  # type: ignore[misc]


def feature_set(contract: Contract) -> FeatureSet:
    """Find and order the features of a contract.

    Raises:
        UnknownFeatureModule, FeatureNameTaken, FeatureKnownTooLate, UnknownFeatureInput,
        CircularFeatures.
    """
    functions = _public_functions(_module(contract.features)) if contract.features else {}
    totals = contract.totals
    taken = {*contract.source_columns, *contract.constants, contract.id_column, SCORE, *totals}
    for name, function in functions.items():
        if name in taken:
            raise FeatureNameTaken(name, str(contract.features))
        for parameter in _parameters(function):
            if parameter in contract.columns and parameter not in contract.known_columns:
                raise FeatureKnownTooLate(name, parameter)
    columns, constants = contract.known_columns, contract.constants
    given = sorted({*columns, *constants, *totals})
    return FeatureSet(columns, totals, constants, _in_order(functions, given))


def _module(path: str) -> ModuleType:
    known = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    if path not in known:
        raise UnknownFeatureModule(path, known)
    return importlib.import_module(path)


def _public_functions(module: ModuleType) -> dict[str, Feature]:
    """The functions written in the module, in the order in which they stand there."""
    return {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


def _parameters(function: Feature) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _in_order(functions: Mapping[str, Feature], given: list[str]) -> dict[str, Feature]:
    """Depth-first topological order; equal rank keeps the order of the module."""
    ordered: dict[str, Feature] = {}

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise CircularFeatures([*path[path.index(name) :], name])
        if name in ordered:
            return
        for parameter in _parameters(functions[name]):
            if parameter in functions:
                place(parameter, (*path, name))
            elif parameter not in given:
                raise UnknownFeatureInput(name, parameter, [*given, *functions])
        ordered[name] = functions[name]

    for name in functions:
        place(name, ())
    return ordered


def _where(error: Exception) -> str:
    """What a feature function raised, and in which line of which file."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    file = Path(last.filename).name
    return f"raised {type(error).__name__}: {error} ({file}, line {last.lineno})"


def _frozen(values: Array | float) -> Array | float:
    """A view that cannot be written to: a function that changed its arguments would change rows."""
    if isinstance(values, np.ndarray) and values.flags.writeable:
        values = values.view()
        values.flags.writeable = False
    return values


def _as_column(name: str, values: object, rows: int) -> Array:
    if not isinstance(values, np.ndarray):
        raise WrongFeature(name, f"returned {type(values).__name__}", rows)
    if values.shape != (rows,):
        raise WrongFeature(name, f"returned shape {values.shape}", rows)
    if values.dtype.kind in "OU":
        return values.astype(object, copy=False)
    numbers = values.astype(np.float64, copy=False)
    if infinite := np.count_nonzero(np.isinf(numbers)):
        raise WrongFeature(name, f"returned {infinite} infinite values (guard the divisor)", rows)
    return numbers
