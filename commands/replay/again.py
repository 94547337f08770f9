"""Scoring logged rows again, by the steps of the server: read, made columns, scored, decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from churn import unscorable
from churn.columns import Columns, row_count, take
from churn.errors import ChurnError, WrongFeature
from churn.prediction_log_queries import Logged
from churn.problems import Problem
from churn.replay import Replayed, Scored
from commands.replay.versions import Found, Versions
from serve.body import parsed
from serve.errors import DoubledField, MalformedBody

WANTED = "a customer"


def replayed(rows: Sequence[Logged], versions: Versions) -> list[Replayed]:
    """Score rows again, each with the model that it names; in their order.

    Raises:
        NoRepository: git does not know this folder.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        groups[row.model_version].append(i)
    found: dict[int, Replayed] = {}
    for version, places in groups.items():
        together = [rows[i] for i in places]
        model = versions.of(version)
        if isinstance(model, ChurnError):
            why = str(model)
            found |= {i: Replayed(rows[i], None, None, why) for i in places}
        else:
            found |= dict(zip(places, _scored(together, model), strict=True))
    return [found[i] for i in range(len(rows))]


def _scored(rows: Sequence[Logged], found: Found) -> Iterator[Replayed]:
    """Score rows of one model."""
    contents, wrong = _read(rows)
    batch = found.customers.by_row(contents)
    wrong = {i: _told(problems) for i, problems in batch.problems.items()} | wrong
    right = [i for i in range(len(rows)) if i not in wrong]
    columns = take(batch.columns, np.array(right, dtype=np.int64))
    answers = dict(zip(right, _answers(found, columns), strict=True))
    for i, row in enumerate(rows):
        answer = wrong.get(i) or answers[i]
        if isinstance(answer, str):
            yield Replayed(row, found.ground, None, answer)
        else:
            yield Replayed(row, found.ground, answer)


def _read(rows: Sequence[Logged]) -> tuple[list[Any], dict[int, str]]:
    """What was sent (n,), None where it cannot be read, and why by row."""
    contents: list[Any] = []
    wrong: dict[int, str] = {}
    for i, row in enumerate(rows):
        try:
            contents.append(parsed(row.values.encode(), WANTED))
        except MalformedBody as error:
            wrong[i] = f"the logged values cannot be read: {error.problem}"
        except DoubledField as error:
            wrong[i] = f"the logged values have {error.problems[0]['field']!r} more than once"
        if i in wrong:
            contents.append(None)
    return contents, wrong


def _told(problems: Sequence[Problem]) -> str:
    told = (f"{one.field or 'values'}: {one.problem} (allowed: {one.allowed})" for one in problems)
    return f"the contract refuses what is logged: {'; '.join(told)}"


def _answers(found: Found, columns: Columns) -> list[Scored | str]:
    """What the model says (n,); a text where it cannot say anything."""
    rows = row_count(columns)
    if not rows:
        return []
    scorer = found.model.scorer
    try:
        # Of the values of an altered row the feature functions may well overflow.
        with np.errstate(all="ignore"):
            scores = scorer.probabilities(columns)
    except WrongFeature as error:
        if rows == 1:
            return [unscorable.problem(error).problem]
        # Each alone, so that a row that cannot be scored harms no other.
        return [_answers(found, take(columns, np.array([i])))[0] for i in range(rows)]
    decisions = scorer.decisions(scores).tolist()
    return [Scored(*one) for one in zip(scores.tolist(), decisions, strict=True)]
