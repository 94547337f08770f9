"""Replay: what a logged prediction has in common with the same customer scored again.

Floats are compared by their bits. Where they differ, what is known of the model, the machine and
the code says which cause it can have.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from churn.bundle import DIGITS
from churn.prediction_log_queries import Logged
from churn.wording import listed

Status = Literal["equal", "different", "refused", "no model"]
STATUSES: tuple[Status, ...] = ("equal", "different", "refused", "no model")
Cause = Literal["features", "features or altered", "machine", "altered"]
SIGN = 1 << 63


@dataclass(frozen=True)
class Ground:
    """What a version of the model stands on here.

    Attributes:
        version: as the log names it.
        where: its bundle was found, for people.
        sha256: of the bundle.
        threshold: from which on it calls a customer a churner.
        commit: whose feature functions are its own; None if it is not known.
        golden: how its golden rows score otherwise than at training; None if they do not.
        changed: files of feature functions that are not those of the commit.
    """

    version: str
    where: str
    sha256: str
    threshold: float
    commit: str | None
    golden: str | None
    changed: Sequence[str]

    @property
    def is_named_by_hash(self) -> bool:
        """Whether the version leaves no doubt which bundle is meant."""
        return self.sha256.startswith(self.version)


@dataclass(frozen=True)
class Scored:
    """What the model says today of the values of a row."""

    probability: float
    will_churn: bool


@dataclass(frozen=True)
class Replayed:
    """A row of the log, and what came of scoring it again.

    Attributes:
        row: as it is logged.
        ground: of its model; None where there is no such model here.
        scored: what the model says today; None where it could not be asked.
        problem: why it could not be asked.
    """

    row: Logged
    ground: Ground | None
    scored: Scored | None
    problem: str | None = None

    @property
    def same_bits(self) -> bool:
        """Whether the probability is the same, to the last bit."""
        return self.scored is not None and bits(self.row.probability) == bits(
            self.scored.probability
        )

    @property
    def same_decision(self) -> bool:
        """Whether the decision is the same."""
        return self.scored is not None and self.row.will_churn == self.scored.will_churn

    @property
    def status(self) -> Status:
        """What came of it, in a word."""
        if self.ground is None:
            return "no model"
        if self.scored is None:
            return "refused"
        return "equal" if self.same_bits and self.same_decision else "different"

    def evidence(self) -> dict[str, Any]:
        """Everything about a row that is not equal, as plain data."""
        row, found = self.row, self.scored
        known: dict[str, Any] = {
            "prediction_id": row.prediction_id,
            "model_version": row.model_version,
            "status": self.status,
        }
        if found is None or self.ground is None:
            return {**known, "problem": self.problem}
        key, why = cause(self.ground, same_bits=self.same_bits)
        return {
            **known,
            "values": row.values,
            "probability": {
                "logged": number(row.probability),
                "found": number(found.probability),
                "ulps": ulps(row.probability, found.probability),
            },
            "will_churn": {"logged": row.will_churn, "found": found.will_churn},
            "cause": key,
            "because": why,
        }


def bits(value: object) -> bytes | None:
    """The eight bytes of a float64; None of anything else."""
    return struct.pack(">d", value) if isinstance(value, float) else None


def number(value: object) -> dict[str, str | None]:
    """A float in its shortest decimal form and in hexadecimal, which has every bit."""
    return {"repr": repr(value), "hex": value.hex() if isinstance(value, float) else None}


def ulps(one: object, other: object) -> int | None:
    """How many float64 lie between two, the last counted: 1 for neighbours.

    None if either is no number. Zero and minus zero are no step apart.
    """
    places = [_place(value) for value in (one, other)]
    if places[0] is None or places[1] is None:
        return None
    return abs(places[0] - places[1])


def _place(value: object) -> int | None:
    """The place of a float in the order of all of them; zero is at 0."""
    if not isinstance(value, float) or value != value:  # noqa: PLR0124
        return None
    whole = int.from_bytes(struct.pack(">d", value), "big")
    return whole if whole < SIGN else SIGN - whole


def cause(ground: Ground, *, same_bits: bool) -> tuple[Cause, str]:
    """Why a row differs, as far as can be told: a word, and a sentence.

    Args:
        ground: of its model.
        same_bits: whether the probabilities are equal and the decision alone is not.
    """
    if same_bits:
        follows = f"The decision follows from the probability and the threshold {ground.threshold}"
        return "altered", f"{follows} alone: {_altered(ground)}."
    if ground.changed:
        files = f"{listed(ground.changed)} is not as in commit {str(ground.commit)[:DIGITS]}"
        if ground.golden:
            return "features", f"Feature functions have changed since: {files}; {ground.golden}."
        both = f"feature functions have changed since ({files}), or {_altered(ground)}"
        return "features or altered", f"Either {both}. Golden rows score as at training."
    functions = "the feature functions are those of its commit"
    if ground.commit is None:
        functions = "there is no commit to compare the feature functions with"
    if ground.golden:
        return "machine", f"Libraries or processor: {ground.golden}, and {functions}."
    return "altered", f"Golden rows score as at training, and {functions}: {_altered(ground)}."


def _altered(ground: Ground) -> str:
    row = "the row has been altered since it was answered"
    if ground.is_named_by_hash:
        return f"{row} (its bundle is the one whose hash the row names)"
    return f"{row}, or {ground.where} names another bundle than then"
