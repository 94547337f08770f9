"""Judging rows by a contract, each by itself: which rules it breaks, and a summary of many.

Types come first, by `parsing`; then a pandera schema made from the contract checks the values,
lazily, all errors at once. (In lazy mode pandera skips the value checks of a column that it could
not read, so the two steps are apart.) Rows may be judged a batch at a time: summaries add up, and
what only the whole table shows is for `validation` to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa

from churn.columns import Array
from churn.contract import (
    LARGEST_EXACT,
    REASONS,
    ROW_IN_SNAPSHOT,
    CategoryColumn,
    Column,
    Contract,
    Frozen,
    IntegerColumn,
    NumberColumn,
)
from churn.parsing import Parsed, as_text, parse, parse_id, parse_target

EXAMPLES = 3
# Of a target with another meaning there may be as many values as rows.
MOST_UNKNOWN = 1000

WORDS = {
    "id": "is missing: every customer needs an id",
    "target": "is missing: history needs {allowed}",
    "type": "is not of type {allowed}",
    "not_nullable": "is required and missing",
    "whole": "is not a whole number",
    "exact": "is beyond 2^53, from where whole numbers are no longer exact",
    "min": "is out of range: {allowed}",
    "max": "is out of range: {allowed}",
    "above": "is out of range: {allowed}",
    "below": "is out of range: {allowed}",
    "values": "is not {allowed}",
}


@dataclass(frozen=True)
class Broken:
    """A rule that rows break: its column, its name, and which rows (indices, rising)."""

    column: str
    rule: str
    rows: Array


class Tally(Frozen):
    """How many rows there are of a kind, and the first few: row number and value as text."""

    rows: int = 0
    first: tuple[tuple[int, str], ...] = ()

    def __add__(self, other: Tally) -> Tally:
        """Of both sets of rows."""
        first = sorted((*self.first, *other.first))[:EXAMPLES]
        return Tally(rows=self.rows + other.rows, first=tuple(first))


class Summary(Frozen):
    """What is to be known of rows that were judged.

    Attributes:
        rows, bad: how many, and how many of them break a rule.
        given: values that are not missing, by feature column.
        broken: by column and rule.
        unknown: rows whose outcome is neither of the contract's two.
        unknown_values: of these, each once, the first in the order of text.
    """

    rows: int = 0
    bad: int = 0
    given: Mapping[str, int] = {}
    broken: Mapping[str, Mapping[str, Tally]] = {}
    unknown: int = 0
    unknown_values: tuple[str, ...] = ()

    def __add__(self, other: Summary) -> Summary:
        """Of both sets of rows."""
        broken: dict[str, dict[str, Tally]] = defaultdict(dict)
        for one in (self, other):
            for column, rules in one.broken.items():
                for rule, tally in rules.items():
                    broken[column][rule] = broken[column].get(rule, Tally()) + tally
        names = {**self.given, **other.given}
        return Summary(
            rows=self.rows + other.rows,
            bad=self.bad + other.bad,
            given={name: self.given.get(name, 0) + other.given.get(name, 0) for name in names},
            broken=broken,
            unknown=self.unknown + other.unknown,
            unknown_values=_distinct((*self.unknown_values, *other.unknown_values)),
        )


@dataclass(frozen=True)
class Judged:
    """Rows held against a contract.

    Attributes:
        bad: which rows break a rule (n,).
        broken: the rules, in the order of the contract.
        outcome: 1 for churners, 0 for others, NaN where unknown (n,); None without a target.
        summary: of these rows.
    """

    bad: Array
    broken: tuple[Broken, ...]
    outcome: Array | None
    summary: Summary


def judge(table: pa.Table, contract: Contract, numbers: Array, *, labelled: bool) -> Judged:
    """Hold rows against their contract.

    Args:
        table: of the snapshot, under the contract's names.
        contract: what rows must keep.
        numbers: of the rows, in the snapshot (n,).
        labelled: whether every row needs an outcome.
    """
    parsed = {name: parse(table.column(name), one) for name, one in contract.columns.items()}
    target = contract.target
    has_target = target.column in table.column_names
    outcome = parse_target(table.column(target.column), target) if has_target else None
    broken = (
        *_missing_roles(table, contract, outcome if labelled else None),
        *_unreadable(parsed),
        *_bad_values(parsed, contract),
    )
    bad = np.zeros(table.num_rows, dtype=bool)
    for one in broken:
        bad[one.rows] = True
    unknown = _unknown(table, target.column, outcome)
    summary = Summary(
        rows=table.num_rows,
        bad=int(bad.sum()),
        given={name: int((~one.missing).sum()) for name, one in parsed.items()},
        broken=_tallies(table, broken, numbers),
        unknown=len(unknown),
        unknown_values=_distinct(unknown),
    )
    return Judged(bad, broken, None if outcome is None else outcome.values, summary)


def quarantine(table: pa.Table, judged: Judged, contract: Contract, numbers: Array) -> pa.Table:
    """The bad rows as they came, with their number in the snapshot (from 1) and all reasons.

    Args:
        table, judged, contract, numbers: as they went into `judge` and came out.
    """
    reasons: dict[int, list[str]] = defaultdict(list)
    for one in judged.broken:
        words = in_words(one.column, one.rule, contract)
        shown = _shown(table, one.column, one.rows)
        for row, value in zip(one.rows.tolist(), shown, strict=True):
            reasons[row].append(f"{one.column}: {value!r} {words}")
    rows = np.flatnonzero(judged.bad)
    text = ["; ".join(reasons[row]) for row in rows.tolist()]
    aside = table.take(pa.array(rows))
    aside = aside.append_column(ROW_IN_SNAPSHOT, pa.array(numbers[rows] + 1, pa.int64()))
    return aside.append_column(REASONS, pa.array(text, pa.string()))


def in_words(column: str, rule: str, contract: Contract) -> str:
    """What a row that breaks a rule does, such as `is out of range: number above 0`."""
    target = contract.target
    outcomes = f"{target.positive} or {target.negative}"
    is_feature = column in contract.columns
    return WORDS[rule].format(allowed=contract.columns[column].allowed if is_feature else outcomes)


def _unknown(table: pa.Table, target: str, outcome: Parsed | None) -> list[str]:
    if outcome is None or not outcome.unreadable.any():
        return []
    return as_text(table.column(target)).filter(pa.array(outcome.unreadable)).to_pylist()


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*values})[:MOST_UNKNOWN])


def _tallies(
    table: pa.Table, broken: Iterable[Broken], numbers: Array
) -> Mapping[str, Mapping[str, Tally]]:
    found: dict[str, dict[str, Tally]] = defaultdict(dict)
    for one in broken:
        first = one.rows[np.argsort(numbers[one.rows], kind="stable")[:EXAMPLES]]
        shown = zip(numbers[first].tolist(), _shown(table, one.column, first), strict=True)
        found[one.column][one.rule] = Tally(rows=len(one.rows), first=tuple(shown))
    return found


def _missing_roles(table: pa.Table, contract: Contract, outcome: Parsed | None) -> list[Broken]:
    ids = parse_id(table.column(contract.id_column))
    no_id = np.flatnonzero([one is None for one in ids])
    found = [Broken(contract.id_column, "id", no_id)]
    if outcome is not None:
        no_outcome = np.flatnonzero(np.isnan(outcome.values))
        found.append(Broken(contract.target.column, "target", no_outcome))
    return [one for one in found if len(one.rows)]


def _unreadable(parsed: dict[str, Parsed]) -> list[Broken]:
    return [
        Broken(name, "type", np.flatnonzero(one.unreadable))
        for name, one in parsed.items()
        if one.unreadable.any()
    ]


def _bad_values(parsed: dict[str, Parsed], contract: Contract) -> list[Broken]:
    frame = pd.DataFrame({name: one.values for name, one in parsed.items()})
    try:
        schema(contract).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return []
    found = []
    for (name, rule), group in cases.groupby(["column", "check"], sort=True):
        rows = group["index"].to_numpy(dtype=np.int64)
        # An unreadable value has its own reason; that nothing could be read from it is no second.
        rows = np.sort(rows[~parsed[name].unreadable[rows]])
        if len(rows):
            found.append(Broken(name, rule, rows))
    order = [*contract.columns]
    return sorted(found, key=lambda one: (order.index(one.column), one.rule))


def schema(contract: Contract) -> pandera.DataFrameSchema:
    """The pandera schema of a contract's typed feature columns."""
    return pandera.DataFrameSchema(
        {
            name: pandera.Column(checks=_checks(column), nullable=not column.required, name=name)
            for name, column in contract.columns.items()
        }
    )


def _checks(column: Column) -> list[pandera.Check]:
    if isinstance(column, CategoryColumn):
        return [pandera.Check.isin(column.values, error="values")] if column.values else []
    if not isinstance(column, IntegerColumn | NumberColumn):
        return []
    bounds: dict[str, Callable[..., pandera.Check]] = {
        "min": pandera.Check.ge,
        "max": pandera.Check.le,
        "above": pandera.Check.gt,
        "below": pandera.Check.lt,
    }
    given = {rule: bound for rule in bounds if (bound := getattr(column, rule)) is not None}
    checks = [bounds[rule](bound, error=rule) for rule, bound in given.items()]
    if isinstance(column, IntegerColumn):
        checks.append(pandera.Check(lambda values: values == np.floor(values), error="whole"))
        if not {"max", "below"} & {*given}:
            checks.append(pandera.Check.le(LARGEST_EXACT, error="exact"))
        if not {"min", "above"} & {*given}:
            checks.append(pandera.Check.ge(-LARGEST_EXACT, error="exact"))
    return checks


def _shown(table: pa.Table, column: str, rows: Array) -> list[str]:
    return as_text(table.column(column)).take(pa.array(rows)).to_pylist()
