"""What is to be replayed, as the environment says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from churn.errors import (
    MalformedMoment,
    MalformedPredictionId,
    NotOneQuestion,
    RowsOutOfRange,
)
from churn.partitions import first_id
from churn.prediction_log_queries import canonical

ROWS, MOST_ROWS = 1000, 10_000_000


@dataclass(frozen=True)
class Asked:
    """One prediction, or a number of them from a moment or a prediction on.

    Attributes:
        prediction_id: the one; None if many are asked for.
        since: the least id of the many, which begins with a moment; None if one is asked for.
        rows: how many at most.
    """

    prediction_id: str | None
    since: str | None
    rows: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read `PREDICTION`, or `SINCE` and `N`.

        Raises:
            NotOneQuestion, MalformedPredictionId, MalformedMoment, RowsOutOfRange.
        """
        one, since, rows = (environment.get(n, "").strip() for n in ("PREDICTION", "SINCE", "N"))
        if one and since:
            raise NotOneQuestion("both PREDICTION and SINCE are given")
        if one and rows:
            raise NotOneQuestion("N goes with SINCE, not with PREDICTION")
        if one:
            return cls(_id(one), None, 1)
        if not since:
            raise NotOneQuestion("neither PREDICTION nor SINCE is given")
        least = canonical(since) or first_id(_moment(since))
        return cls(None, least, _rows(rows) if rows else ROWS)

    def summary(self) -> dict[str, Any]:
        """What `reports/replay.json` says of it."""
        if self.since is None:
            return {"prediction_id": self.prediction_id}
        return {"since": self.since, "most_rows": self.rows}


def _id(given: str) -> str:
    found = canonical(given)
    if found is None:
        raise MalformedPredictionId(given)
    return found


def _moment(given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    # What the first and last days of the calendar give in other time zones.
    except (ValueError, OverflowError):
        raise MalformedMoment(given) from None


def _rows(given: str) -> int:
    is_number = given.isascii() and given.isdigit() and len(given) <= len(str(MOST_ROWS))
    if not is_number or not 1 <= int(given) <= MOST_ROWS:
        raise RowsOutOfRange(given, MOST_ROWS)
    return int(given)
