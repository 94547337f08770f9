"""`/feedback`: what became of customers for whom a prediction was made."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from churn.fields import TEXT_ALLOWED, TextField
from churn.prediction_log import Feedback, Recorded
from churn.problems import Problem, Refused, shown
from serve.body import parsed
from serve.errors import EmptyBatch, InvalidFeedback, LogAway, TooManyRows
from serve.http import Answer, Request
from serve.log_metrics import FEEDBACK

MOST_BYTES = 16 * 1024 * 1024
# To reach the recorder, and seconds between them: it starts within a second or two.
TRIES, PAUSE = 50, 0.1
WANTED = "one outcome or a list of them"
# Clocks of other machines may be ahead.
AHEAD = timedelta(days=1)
PREDICTION, CHURNED, OBSERVED = "prediction_id", "churned", "observed_at"
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
EXAMPLE = "CUST001"
STATUSES = (
    "recorded; repeated: it was there already; unknown: no such customer or prediction before that "
    "moment; conflict: the prediction has another outcome, which stays"
)
ALLOWED = {
    PREDICTION: "the prediction_id of an answer",
    CHURNED: "true for a customer who has left, false for one who has stayed",
    OBSERVED: "a moment that has passed, in ISO 8601 with its time zone: 2026-01-31T00:00:00Z",
}


def to_plain(recorded: Sequence[Recorded]) -> list[dict[str, Any]]:
    """As it crosses from the recorder to whoever has asked it."""
    return [{"status": one.status, PREDICTION: one.prediction_id} for one in recorded]


def from_plain(feedback: Sequence[Any]) -> list[Feedback]:
    """What crosses to the recorder."""
    return [
        Feedback(**{**one, OBSERVED: datetime.fromisoformat(one[OBSERVED])}) for one in feedback
    ]


class FeedbackReader:
    """Reads outcomes as requests have them.

    Args:
        id_field: name of the customer's id; None where the table has none.
    """

    def __init__(self, id_field: str | None) -> None:
        self._id_field = id_field
        self._readers: dict[str, Callable[[Any], Any]] = {
            **({id_field: TextField(id_field, required=False).read} if id_field else {}),
            PREDICTION: _prediction_id,
            CHURNED: _churned,
            OBSERVED: _observed_at,
        }
        self._subjects = [one for one in (id_field, PREDICTION) if one]

    def read(self, given: object) -> Feedback | list[Problem]:
        """One outcome, or all that is wrong with it."""
        if not isinstance(given, dict):
            return [Problem(None, f"{shown(given)} is no outcome", "an object with fields")]
        found: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, read in self._readers.items():
            if name in given:
                try:
                    found[name] = read(given[name])
                except Refused as refused:
                    problems.append(self._problem(name, str(refused)))
            elif name not in self._subjects:
                problems.append(self._problem(name, "missing"))
        problems += [
            Problem(name[:200], "unknown field", ", ".join(self._readers))
            for name in [*given.keys() - self._readers.keys()][:50]
        ]
        if sum(one in given for one in self._subjects) != 1:
            problems.append(Problem(None, "whom is it about?", f"one of {self._subjects}"))
        if problems:
            return problems
        customer = found.get(self._id_field) if self._id_field else None
        return Feedback(customer, found.get(PREDICTION), found[CHURNED], found[OBSERVED])

    def read_all(self, content: object, most: int) -> list[Feedback]:
        """The outcomes of a request.

        Raises:
            EmptyBatch, TooManyRows, InvalidFeedback.
        """
        given = content if isinstance(content, list) else [content]
        if not given:
            raise EmptyBatch
        if len(given) > most:
            raise TooManyRows(len(given), most)
        found = [self.read(one) for one in given]
        if problems := {i: one for i, one in enumerate(found) if isinstance(one, list)}:
            raise InvalidFeedback(problems)
        return [one for one in found if isinstance(one, Feedback)]

    def _problem(self, name: str, problem: str) -> Problem:
        return Problem(name, problem, ALLOWED.get(name, TEXT_ALLOWED))


def _prediction_id(value: object) -> str:
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise Refused(f"{shown(value)} is no prediction_id")
    return value.lower()


def _churned(value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"{shown(value)} is neither true nor false")
    return value


def _observed_at(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) else "").astimezone(UTC)
        is_aware = datetime.fromisoformat(str(value)).tzinfo is not None
    except (ValueError, OverflowError):
        raise Refused(f"{shown(value)} is no moment in ISO 8601") from None
    if not is_aware:
        raise Refused(f"{shown(value)} has no time zone")
    if moment > datetime.now(UTC) + AHEAD:
        raise Refused(f"{shown(value)} is yet to come")
    return moment


class FeedbackTaker:
    """Takes outcomes and passes them to the recorder.

    Args:
        reader: of the outcomes.
        socket: of the recorder.
        most: outcomes in one request.
    """

    def __init__(self, reader: FeedbackReader, socket: Path, most: int) -> None:
        self._reader = reader
        self._socket = socket
        self._most = most

    async def feedback(self, request: Request) -> Answer:
        """Record outcomes; what became of each is told in their order."""
        request.query({})
        request.require_json()
        raw = await request.body(MOST_BYTES)
        feedback = self._reader.read_all(parsed(raw, WANTED), self._most)
        results = await self._recorded(feedback)
        counts = Counter(one["status"] for one in results)
        request.told["outcomes"] = len(results)
        return Answer.json({"results": results, **{one: counts[one] for one in FEEDBACK}})

    async def _recorded(self, feedback: Sequence[Feedback]) -> list[dict[str, Any]]:
        """Have the recorder record them, which may just be starting, or end before it answers.

        Asking twice records once: what the first had time for is a repetition to the second.

        Raises:
            LogAway: it is not there, or the database is not.
        """
        asked = orjson.dumps([asdict(one) for one in feedback])
        for _ in range(TRIES):
            with contextlib.suppress(OSError):
                if found := await self._answer(asked):
                    results: list[dict[str, Any]] | None = orjson.loads(found)
                    if results is None:
                        raise LogAway
                    return results
            await asyncio.sleep(PAUSE)
        raise LogAway

    async def _answer(self, asked: bytes) -> bytes:
        """What the recorder says; nothing if it ends before that.

        Raises:
            OSError: it does not listen.
        """
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=MOST_BYTES)
        try:
            writer.write(asked)
            writer.write_eof()
            return await reader.read()
        finally:
            writer.close()


def feedback_schemas(customer: TextField | None, most: int) -> dict[str, Any]:
    """JSON Schemas of outcomes, one or up to `most`, and of the answer, by name."""
    subjects = {
        **({customer.name: customer.schema} if customer else {}),
        PREDICTION: {"type": "string", "format": "uuid", "description": ALLOWED[PREDICTION]},
    }
    outcome = {
        "type": "object",
        "properties": {
            **subjects,
            CHURNED: {"type": "boolean", "description": ALLOWED[CHURNED]},
            OBSERVED: {"type": "string", "format": "date-time", "description": ALLOWED[OBSERVED]},
        },
        "required": [CHURNED, OBSERVED],
        # By the customer, whose latest prediction before that moment is meant, or by a prediction.
        "oneOf": [{"required": [one]} for one in subjects],
        "additionalProperties": False,
        "examples": [
            {next(iter(subjects)): EXAMPLE, CHURNED: False, OBSERVED: "2026-01-31T00:00:00Z"}
        ],
    }
    result = {
        "status": {"type": "string", "enum": [*FEEDBACK], "description": STATUSES},
        PREDICTION: {"type": ["string", "null"]},
    }
    counts = {one: {"type": "integer"} for one in FEEDBACK}
    results = {"type": "array", "items": {"type": "object", "properties": result}}
    return {
        "Outcome": outcome,
        "Outcomes": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Outcome"},
            "minItems": 1,
            "maxItems": most,
        },
        "Recorded": {"type": "object", "properties": {"results": results, **counts}},
    }
