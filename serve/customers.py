"""Customers in a request, from the contract in the bundle: one, a list of them, or columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.columns import Columns
from churn.contract import Contract
from churn.fields import LONGEST_TEXT, TextField, field
from churn.problems import (
    MANY_PROBLEMS,
    MOST_PROBLEMS_OF_A_ROW,
    Problem,
    Refused,
    shown,
    spelling,
)
from serve.errors import InvalidColumns, InvalidCustomer, UnequalColumns

Row = list[float | str | None]


@dataclass(frozen=True)
class Batch:
    """Customers of a batch as they were read.

    Attributes:
        ids: of the customers, (n,); None where the contract has no id.
        columns: the contract's columns, each (n,); where a value is wrong, it is missing.
        problems: what is wrong, by row.
    """

    ids: Sequence[str | None] | None
    columns: Columns
    problems: Mapping[int, list[Problem]]

    @property
    def rows(self) -> int:
        """How many customers there are."""
        return len(next(iter(self.columns.values())))


class Customers:
    """Reads customers as the contract describes them.

    Attributes:
        id: the field that names the customer; None where the contract has no id.
        fields: one for each column known when a prediction is asked for, in the contract's order.
        names: of all of them, the id first.
    """

    def __init__(self, contract: Contract) -> None:
        self.id = TextField(contract.id, required=True) if contract.id else None
        self.fields = tuple(field(name, contract.columns[name]) for name in contract.known_columns)
        self.all = (*((self.id,) if self.id else ()), *self.fields)
        self.names = tuple(one.name for one in self.all)
        self._known = frozenset(self.names)
        self._spellings = {spelling(name): name for name in self.names}
        # Numbers lie side by side in one array, text in one list a column.
        self._numbers = [i for i, one in enumerate(self.all) if one.missing is not None]
        self._texts = [
            i
            for i, one in enumerate(self.fields, start=len(self.all) - len(self.fields))
            if one.missing is None
        ]
        self._readers: list[tuple[str, bool, float | None, Callable[[object], float | str]]] = [
            (one.name, one.required, one.missing, one.read) for one in self.all
        ]

    def one(self, given: object) -> Row:
        """Read one customer.

        Args:
            given: what the JSON holds.
        Returns:
            a value for each of `names`, NaN or None where missing.
        Raises:
            InvalidCustomer: with all that is wrong.
        """
        if type(given) is dict and given.keys() <= self._known:
            try:
                return [
                    missing if (value := given.get(name)) is None and not required else read(value)
                    for name, required, missing, read in self._readers
                ]
            except Refused:
                pass
        raise InvalidCustomer(self._problems(given))

    def together(self, rows: Sequence[Row]) -> Columns:
        """The contract's columns, each (n,), of n customers that were read one by one."""
        columns: dict[str, NDArray[Any]] = {}
        if self._numbers:
            block = np.array([[row[i] for i in self._numbers] for row in rows], dtype=np.float64)
            by_column = np.ascontiguousarray(block.T)
            columns = {self.names[i]: by_column[k] for k, i in enumerate(self._numbers)}
        for i in self._texts:
            columns[self.names[i]] = np.array([row[i] for row in rows], dtype=object)
        return columns

    def by_row(self, given: Sequence[object]) -> Batch:
        """Read customers one after the other; what is wrong with a row is told of that row."""
        problems: dict[int, list[Problem]] = {}
        rows: list[dict[str, object]] = []
        found = 0
        for i, one in enumerate(given):
            if type(one) is dict and one.keys() <= self._known:
                rows.append(one)
            else:
                most = MOST_PROBLEMS_OF_A_ROW if found < MANY_PROBLEMS else 1
                problems[i] = self._problems(one, most)
                found += len(problems[i])
                rows.append(one if isinstance(one, dict) else {})
        return self._batch(
            {one.name: [row.get(one.name) for row in rows] for one in self.all}, problems
        )

    def by_column(self, given: Mapping[str, Sequence[Any]]) -> Batch:
        """Read customers by column, each a list of n values; optional columns may be absent.

        Raises:
            InvalidColumns: an unknown or absent column, or one that is no list.
            UnequalColumns: columns of several lengths.
        """
        names = islice((n for n in given if n not in self._known), MOST_PROBLEMS_OF_A_ROW)
        found = [self._unknown(name) for name in names]
        for one in self.all:
            if one.name not in given and one.required:
                found.append(Problem(one.name, "missing", f"a list, each {one.allowed}"))
            elif not isinstance(given.get(one.name, []), list):
                said = f"{shown(given[one.name])} is no list"
                found.append(Problem(one.name, said, f"a list, each {one.allowed}"))
        if found:
            raise InvalidColumns(found)
        lengths = {len(values) for values in given.values()}
        if len(lengths) > 1:
            raise UnequalColumns(sorted(lengths))
        rows = max(lengths, default=0)
        return self._batch({one.name: given.get(one.name) or [None] * rows for one in self.all}, {})

    def _batch(self, values: Mapping[str, Sequence[Any]], known: dict[int, list[Problem]]) -> Batch:
        problems, columns = known, {}
        told = frozenset(known)
        for one in self.all:
            columns[one.name], wrong = one.column(values[one.name])
            for i, problem in wrong.items():
                if i not in told:
                    problems.setdefault(i, []).append(problem)
        ids = columns.pop(self.id.name).tolist() if self.id else None
        return Batch(ids, columns, problems)

    def _problems(self, given: object, most: int = MOST_PROBLEMS_OF_A_ROW) -> list[Problem]:
        """All that is wrong with one customer, of unknown fields the first ones."""
        if not isinstance(given, dict):
            return [Problem(None, f"{shown(given)} is no customer", "an object with fields")]
        names = islice((n for n in given if n not in self._known), most)
        unknown = [self._unknown(name) for name in names]
        found = [one.problem(given.get(one.name)) for one in self.all]
        return [*unknown, *(problem for problem in found if problem)]

    def _unknown(self, name: str) -> Problem:
        meant = self._spellings.get(spelling(name[:LONGEST_TEXT]))
        hint = f" (did you mean {meant!r}?)" if meant else ""
        return Problem(name[:LONGEST_TEXT], f"unknown field{hint}", ", ".join(self.names))
