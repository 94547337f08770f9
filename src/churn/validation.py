"""Holding a raw table against its contract: bad rows are set aside, each with its reasons.

What a row breaks is for `judging` to say; here stands what only the whole table shows, by the
summary of all rows, however many batches they were judged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from churn.contract import Contract
from churn.errors import (
    OneClassOnly,
    TooFewChurners,
    TooManyRejected,
    UnknownTargetValue,
)
from churn.judging import Summary, Tally, in_words, judge, quarantine
from churn.parsing import parse_id
from churn.wrong_type import refuse_wrong_type

LEAST_CHURNERS = 50
# Rules of roles and types, which stand in a report before those of values.
ROLES, TYPES = ("id", "target"), ("type",)


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
    numbers = np.arange(table.num_rows)
    judged = judge(table, contract, numbers, labelled=labelled)
    report = accepted(judged.summary, contract, name, max_rejected)
    if labelled and judged.outcome is not None:
        ids = parse_id(table.column(contract.id_column))[~judged.bad]
        # Of rows with one id the last stays, here as in cleaning.
        last = dict(zip(ids.tolist(), judged.outcome[~judged.bad].tolist(), strict=True))
        refuse_unlearnable(name, contract, len(last), int(sum(last.values())))
    aside = quarantine(table, judged, contract, numbers)
    return Validated(table.filter(pa.array(~judged.bad)), aside, report)


def accepted(
    summary: Summary, contract: Contract, name: str, max_rejected: float
) -> dict[str, Any]:
    """The report of a table that may be gone on with.

    Args:
        summary: of all its rows.
        contract, name, max_rejected: as for `validate`.
    Raises:
        WrongColumnType, UnknownTargetValue, TooManyRejected.
    """
    for column, given in summary.given.items():
        unreadable = summary.broken.get(column, {}).get("type", Tally())
        readable, examples = (
            contract.columns[column].allowed,
            [text for _, text in unreadable.first],
        )
        refuse_wrong_type(name, column, readable, unreadable.rows, given, examples)
    if summary.unknown:
        target = contract.target
        allowed = (target.positive, target.negative)
        values = summary.unknown_values
        raise UnknownTargetValue(name, target.column, summary.unknown, values, allowed)
    report = _report(summary, contract)
    if summary.bad > max_rejected * summary.rows:
        rules = [
            f"{rule['column']} {rule['rule']}: {rule['rows']} (such as {rule['examples'][0]!r})"
            for rule in report["rules"]
        ]
        raise TooManyRejected(name, summary.bad, summary.rows, max_rejected, rules)
    return report


def refuse_unlearnable(name: str, contract: Contract, customers: int, churners: int) -> None:
    """Check that there are customers of both outcomes, and churners enough.

    Args:
        name: of the table, for the error.
        contract: of the table.
        customers, churners: how many there are, each counted once.
    Raises:
        OneClassOnly, TooFewChurners.
    """
    target = contract.target
    if customers and churners in (0, customers):
        raise OneClassOnly(name, target.column, target.positive if churners else target.negative)
    if churners < LEAST_CHURNERS:
        raise TooFewChurners(name, target.column, churners, LEAST_CHURNERS)


def _report(summary: Summary, contract: Contract) -> dict[str, Any]:
    order = [contract.id_column, contract.target.column, *contract.columns]
    broken = [
        (column, rule, tally)
        for column, rules in summary.broken.items()
        for rule, tally in rules.items()
    ]

    def place(one: tuple[str, str, Tally]) -> tuple[bool, bool, int, str]:
        column, rule, _ = one
        return rule not in ROLES, rule not in TYPES, order.index(column), rule

    return {
        "rows": summary.rows,
        "valid": summary.rows - summary.bad,
        "quarantined": summary.bad,
        "rules": [
            {
                "column": column,
                "rule": rule,
                "rows": tally.rows,
                "problem": in_words(column, rule, contract),
                "examples": [value for _, value in tally.first],
            }
            for column, rule, tally in sorted(broken, key=place)
        ],
    }
