"""Holding a raw table against its contract: bad rows are set aside, each with its reasons.

Types come first, by `parsing`; then a pandera schema made from the contract checks the values,
lazily, all errors at once. (In lazy mode pandera skips the value checks of a column that it could
not read, so the two steps are apart.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    IntegerColumn,
    NumberColumn,
)
from churn.errors import (
    OneClassOnly,
    TooFewChurners,
    TooManyRejected,
    UnknownTargetValue,
)
from churn.parsing import Parsed, as_text, parse, parse_id, parse_target
from churn.wrong_type import EXAMPLES, refuse_wrong_type

LEAST_CHURNERS = 50

WORDS = {
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
    """A rule that rows break: its column, its name, which rows (indices), and it in words."""

    column: str
    rule: str
    rows: Array
    words: str


@dataclass(frozen=True)
class Validated:
    """A table divided by its contract.

    Attributes:
        valid: rows that keep the contract, as they came.
        quarantine: the others, with `row_in_snapshot` (from 1) and `reasons`.
        report: counts, and a few examples for each broken rule.
    """

    valid: pa.Table
    quarantine: pa.Table
    report: dict[str, Any]


def validate(
    table: pa.Table, contract: Contract, name: str, max_rejected: float, *, labelled: bool
) -> Validated:
    """Divide a raw table into valid rows and quarantine.

    Args:
        table: the snapshot, under the contract's names.
        contract: what rows must keep.
        name: `history` or `current`, for the errors.
        max_rejected: share of rows that may be set aside.
        labelled: whether every row needs an outcome, with enough churners among them.
    Raises:
        WrongColumnType, UnknownTargetValue, TooManyRejected, OneClassOnly, TooFewChurners.
    """
    parsed = {n: parse(table.column(n), one) for n, one in contract.columns.items()}
    for column, values in parsed.items():
        refuse_wrong_type(name, column, contract.columns[column], values, table.column(column))
    outcome = _outcome(table, contract, name)
    broken = [
        *_missing_roles(table, contract, outcome if labelled else None),
        *_unreadable(parsed, contract),
        *_bad_values(parsed, contract),
    ]
    bad = np.zeros(table.num_rows, dtype=bool)
    for one in broken:
        bad[one.rows] = True
    report = _report(table, broken, bad)
    if bad.sum() > max_rejected * table.num_rows:
        rules = [
            f"{rule['column']} {rule['rule']}: {rule['rows']} (such as {rule['examples'][0]!r})"
            for rule in report["rules"]
        ]
        raise TooManyRejected(name, int(bad.sum()), table.num_rows, max_rejected, rules)
    if labelled and outcome is not None:
        ids = parse_id(table.column(contract.id_column))[~bad]
        # Of rows with one id the last stays, here as in cleaning.
        distinct = dict(zip(ids.tolist(), outcome[~bad].tolist(), strict=True))
        _refuse_unlearnable(name, contract, np.array([*distinct.values()]))
    return Validated(table.filter(pa.array(~bad)), _quarantine(table, broken, bad), report)


def _outcome(table: pa.Table, contract: Contract, name: str) -> Array | None:
    target = contract.target
    if target.column not in table.column_names:
        return None
    parsed = parse_target(table.column(target.column), target)
    if parsed.unreadable.any():
        text = as_text(table.column(target.column)).filter(pa.array(parsed.unreadable))
        allowed = (target.positive, target.negative)
        raise UnknownTargetValue(
            name, target.column, len(text), sorted(set(text.to_pylist())), allowed
        )
    return parsed.values


def _refuse_unlearnable(name: str, contract: Contract, outcome: Array) -> None:
    target, churners = contract.target, int(outcome.sum())
    if len(outcome) and churners in (0, len(outcome)):
        raise OneClassOnly(name, target.column, target.positive if churners else target.negative)
    if churners < LEAST_CHURNERS:
        raise TooFewChurners(name, target.column, churners, LEAST_CHURNERS)


def _missing_roles(table: pa.Table, contract: Contract, outcome: Array | None) -> list[Broken]:
    ids = parse_id(table.column(contract.id_column))
    no_id = np.flatnonzero([one is None for one in ids])
    found = [Broken(contract.id_column, "id", no_id, "is missing: every customer needs an id")]
    if outcome is not None:
        no_outcome = np.flatnonzero(np.isnan(outcome))
        target = contract.target
        words = f"is missing: history needs {target.positive} or {target.negative}"
        found.append(Broken(target.column, "target", no_outcome, words))
    return [one for one in found if len(one.rows)]


def _unreadable(parsed: dict[str, Parsed], contract: Contract) -> list[Broken]:
    return [
        Broken(name, "type", np.flatnonzero(one.unreadable), _words("type", contract.columns[name]))
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
            found.append(Broken(name, rule, rows, _words(rule, contract.columns[name])))
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


def _words(rule: str, column: Column) -> str:
    return WORDS[rule].format(allowed=column.allowed)


def _report(table: pa.Table, broken: list[Broken], bad: Array) -> dict[str, Any]:
    return {
        "rows": table.num_rows,
        "valid": int((~bad).sum()),
        "quarantined": int(bad.sum()),
        "rules": [
            {
                "column": one.column,
                "rule": one.rule,
                "rows": len(one.rows),
                "problem": one.words,
                "examples": _shown(table, one.column, one.rows[:EXAMPLES]),
            }
            for one in broken
        ],
    }


def _shown(table: pa.Table, column: str, rows: Array) -> list[str]:
    return as_text(table.column(column)).take(pa.array(rows)).to_pylist()


def _quarantine(table: pa.Table, broken: list[Broken], bad: Array) -> pa.Table:
    reasons: dict[int, list[str]] = defaultdict(list)
    for one in broken:
        shown = _shown(table, one.column, one.rows)
        for row, value in zip(one.rows.tolist(), shown, strict=True):
            reasons[row].append(f"{one.column}: {value!r} {one.words}")
    rows = np.flatnonzero(bad)
    text = ["; ".join(reasons[row]) for row in rows.tolist()]
    aside = table.take(pa.array(rows))
    aside = aside.append_column(ROW_IN_SNAPSHOT, pa.array(rows + 1, pa.int64()))
    return aside.append_column(REASONS, pa.array(text, pa.string()))
