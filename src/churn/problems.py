"""What is wrong with a value of a request, and how values and names are told to the sender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SHOWN = 60
MOST_PROBLEMS_OF_A_ROW = 50
# From so many on, one is told of each further row: an answer must not be ten times its request.
MANY_PROBLEMS = 10_000


class Refused(Exception):
    """A value is not allowed; its text says why, and begins with the value."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value of a request.

    Attributes:
        field: its name; None where the customer as a whole is meant.
        problem: what is wrong, in words.
        allowed: what is allowed, in words.
    """

    field: str | None
    problem: str
    allowed: str


def spelling(text: str) -> str:
    """What stays of a name or a word if case and all but letters and digits are left out.

    Two words that are equal in it are meant to be the same. A search for the nearest word would
    find more, but takes so long that a batch of misspelt words would be an attack.
    """
    return "".join(filter(str.isalnum, text)).lower()


def shown(value: object) -> str:
    """A value as the sender wrote it, cut to a line."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = f'"{value}"' if isinstance(value, str) else _digits(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _digits(value: object) -> str:
    # Python refuses to write integers of thousands of digits.
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a number of too many digits"
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), str(value))


def told(problems: Sequence[Problem], **place: int) -> list[dict[str, Any]]:
    """Problems of one customer as they stand in an answer, with the row's `index` if given."""
    return [{**place, **asdict(one)} for one in problems[:MOST_PROBLEMS_OF_A_ROW]]


def told_by_row(problems: Mapping[int, Sequence[Problem]]) -> list[dict[str, Any]]:
    """Problems of the customers of a batch: of each row all, of those after very many the first."""
    found: list[dict[str, Any]] = []
    for i in sorted(problems):
        found += told(problems[i] if len(found) < MANY_PROBLEMS else problems[i][:1], index=i)
    return found
