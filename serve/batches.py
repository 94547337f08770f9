"""Answering a batch: from the bytes of a request to the bytes of the answer.

Pure but for the clock and the random ids: the same function answers small batches where the request
came in and large ones in LitServe's worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from churn.columns import take
from churn.errors import WrongFeature
from churn.problems import told_by_row
from churn.unscorable import unscorable
from serve.answers import Answers, prediction_ids, timestamp
from serve.body import parsed
from serve.customers import Batch, Customers
from serve.errors import (
    EmptyBatch,
    InvalidBatch,
    NoBatch,
    RequestError,
    TooManyRows,
)
from serve.models import Lineup, Scored

WANTED = "a list of customers"


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is to be answered.

    Attributes:
        explain: reasons for each customer; 0 for none.
        skip: score the customers without problems although others have some.
    """

    explain: int = 0
    skip: bool = False


@dataclass(frozen=True)
class BatchAnswer:
    """An answer, and what the metrics want to know of it.

    Attributes:
        status: of the HTTP answer.
        body: of the HTTP answer.
        levels: customers by version of the model and risk level.
        refused: problems by field.
    """

    status: int
    body: bytes
    levels: Mapping[tuple[str, str], int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)


def rows(content: object) -> int:
    """How many customers a batch has.

    Raises:
        NoBatch: it is none.
    """
    if isinstance(content, list):
        return len(content)
    columns = content.get("columns") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(columns, dict):
        raise NoBatch
    return max((len(one) for one in columns.values() if isinstance(one, list)), default=0)


def read(content: Any, customers: Customers, most: int) -> Batch:
    """Read the customers of a batch, a list or columns.

    Args:
        content: of the body.
        customers: of the model.
        most: customers that a batch may have.
    Raises:
        NoBatch, EmptyBatch, TooManyRows, InvalidColumns, UnequalColumns.
    """
    count = rows(content)
    if count > most:
        raise TooManyRows(count, most)
    batch = (
        customers.by_row(content)
        if isinstance(content, list)
        else customers.by_column(content["columns"])
    )
    if batch.rows == 0:
        raise EmptyBatch
    return batch


def answered(batch: Batch, lineup: Lineup, answers: Answers, options: BatchOptions) -> BatchAnswer:
    """Answer a batch.

    Args:
        batch: as it was read by the champion's contract.
        lineup: the models.
        answers: puts the answers together.
        options: how to answer.
    Raises:
        RequestError: nothing was scored.
    """
    try:
        return _answered(batch, lineup, answers, options)
    except WrongFeature:
        return _answered(without_unscorable(batch, lineup), lineup, answers, options)


def _answered(batch: Batch, lineup: Lineup, answers: Answers, options: BatchOptions) -> BatchAnswer:
    refused = Counter(one.field or "" for found in batch.problems.values() for one in found)
    if batch.problems and not options.skip:
        raise InvalidBatch(batch.problems)
    good = [i for i in range(batch.rows) if i not in batch.problems]
    found = _predictions(batch, good, lineup, answers, options.explain)
    levels = Counter([(one["model_version"], one["risk_level"]) for one in found])
    answer = {
        "predictions": found,
        "total_customers": len(found),
        "high_risk_count": sum(n for (_, level), n in levels.items() if level == "high"),
    }
    if options.skip:
        for one, i in zip(found, good, strict=True):
            one["index"] = i
        problems = told_by_row(batch.problems)
        answer |= {"skipped_customers": len(batch.problems), "problems": problems}
    return BatchAnswer(200, orjson.dumps(answer), levels, refused)


def _predictions(
    batch: Batch, good: Sequence[int], lineup: Lineup, answers: Answers, explain: int
) -> list[dict[str, Any]]:
    if not good:
        return []
    columns, ids = batch.columns, batch.ids
    if len(good) < batch.rows:
        columns = take(columns, np.array(good))
        ids = [ids[i] for i in good] if ids else None
    return together(lineup.score(ids, columns, explain), ids, answers)


def without_unscorable(batch: Batch, lineup: Lineup) -> Batch:
    """The same batch with a problem for each customer of whom a feature cannot be computed."""

    def score(rows: NDArray[np.int64]) -> None:
        lineup.score(batch.ids and [batch.ids[i] for i in rows], take(batch.columns, rows))

    found = {i: [one] for i, one in unscorable(score, np.arange(batch.rows)).items()}
    return replace(batch, problems={**found, **batch.problems})


def together(
    scored: Scored, ids: Sequence[str | None] | None, answers: Answers
) -> list[dict[str, Any]]:
    """The answers for n customers, in their order."""
    count, at = len(scored.probabilities), timestamp()
    return [
        answers.one(customer, probability, will_churn, version, prediction, at, why)
        for customer, probability, will_churn, version, prediction, why in zip(
            ids or [None] * count,
            scored.probabilities,
            scored.will_churn,
            scored.versions,
            prediction_ids(count),
            scored.reasons or repeat(None, count),
            strict=True,
        )
    ]


def answered_bytes(
    raw: bytes, lineup: Lineup, answers: Answers, options: BatchOptions, most: int, request_id: str
) -> BatchAnswer:
    """Answer the bytes of a request with bytes, its errors included."""
    try:
        batch = read(parsed(raw, WANTED), lineup.champion.customers, most)
        return answered(batch, lineup, answers, options)
    except RequestError as error:
        fields = Counter(str(one.get("field") or "") for one in error.problems)
        return BatchAnswer(error.status, orjson.dumps(error.body(request_id)), {}, fields)
