"""Answers: from a probability to what the caller reads."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from churn.reasons import Reason
from churn.risk import Risk
from churn.settings import RecommendationSettings, RiskSettings, ServeSettings
from serve.customers import Customers

RANDOM_BYTES = 10
# The variant takes two bits of its digit.
VARIANTS = {digit: "89ab"[i % 4] for i, digit in enumerate("0123456789abcdef")}


def prediction_ids(count: int) -> list[str]:
    """New ids: they sort by time, and nobody can guess one."""
    return uuids7(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES * count))


def uuids7(time_in_ms: int, random: bytes) -> list[str]:
    """UUIDs of version 7 (RFC 9562).

    Args:
        time_in_ms: since 1970, of all of them.
        random: ten bytes for each, of which 74 bits are used.
    """
    at = f"{time_in_ms:012x}"
    head = f"{at[:8]}-{at[8:]}-7"
    digits = random.hex()
    return [
        f"{head}{digits[i : i + 3]}-{VARIANTS[digits[i + 3]]}{digits[i + 4 : i + 7]}"
        f"-{digits[i + 7 : i + 19]}"
        for i in range(0, len(digits), 2 * RANDOM_BYTES)
    ]


def timestamp() -> str:
    """Now, in UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Answers:
    """Puts answers together.

    Attributes:
        id_field: the name under which the customer's id goes back; None where there is none.
    """

    def __init__(
        self, id_field: str | None, risk: RiskSettings, recommendation: RecommendationSettings
    ) -> None:
        self.id_field = id_field
        self._risk = Risk(risk, recommendation)

    @classmethod
    def of(cls, customers: Customers, settings: ServeSettings) -> Answers:
        """For the customers of a contract, as the settings have it."""
        return cls(
            customers.id.name if customers.id else None, settings.risk, settings.recommendation
        )

    def one(
        self,
        customer: str | None,
        probability: float,
        will_churn: bool,
        model_version: str,
        prediction_id: str,
        at: str,
        reasons: Sequence[Reason] | None = None,
    ) -> dict[str, Any]:
        """The answer for one customer; `reasons` is there where they were asked for."""
        level = self._risk.level(probability)
        answer: dict[str, Any] = {} if self.id_field is None else {self.id_field: customer}
        answer["churn_probability"] = probability
        answer["will_churn"] = will_churn
        answer["risk_level"] = level
        answer["recommendation"] = self._risk.recommendations[level]
        answer["timestamp"] = at
        answer["prediction_id"] = prediction_id
        answer["model_version"] = model_version
        if reasons is not None:
            answer["reasons"] = [asdict(one) for one in reasons]
        return answer
