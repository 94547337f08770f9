"""The months into which PostgreSQL divides the table `predictions`.

A UUID of version 7 begins with its time in milliseconds (RFC 9562, section 5.7), so the ids of one
month are those from one id to another: the month's first millisecond followed by zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy import Connection, func, select, text

from churn.prediction_log_schema import LOCK, predictions

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
# Of the bits of a UUID, those after its time.
BITS_AFTER_TIME = 80


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, prediction_id: str) -> Self:
        """The month of an id's time."""
        moment = moment_of(prediction_id)
        return cls(moment.year, moment.month)

    @property
    def table(self) -> str:
        """Name of its partition, such as `predictions_2026_01`."""
        return f"{predictions.name}_{self.year:04d}_{self.month:02d}"

    @property
    def first_id(self) -> str:
        """The smallest id that it can hold."""
        return first_id(datetime(self.year, self.month, 1, tzinfo=UTC))

    @property
    def next(self) -> Month:
        """The month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)


def first_id(moment: datetime) -> str:
    """The smallest id of the first millisecond that is not before a moment."""
    milliseconds = -((EPOCH - moment) // MILLISECOND)
    return str(UUID(int=max(milliseconds, 0) << BITS_AFTER_TIME))


def moment_of(prediction_id: str) -> datetime:
    """The time with which an id begins."""
    return EPOCH + (UUID(prediction_id).int >> BITS_AFTER_TIME) * MILLISECOND


def create(connection: Connection, months: Iterable[Month]) -> None:
    """Make the partitions that are missing; several processes may do so at once.

    A table is made beside the others and then attached, since that stops no one who reads or
    writes, which `CREATE TABLE … PARTITION OF` would do.
    """
    connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    there = existing(connection)
    for month in sorted({*months} - there):
        like = f"CREATE TABLE {month.table} (LIKE {predictions.name} INCLUDING DEFAULTS)"
        bounds = f"FROM ('{month.first_id}') TO ('{month.next.first_id}')"
        connection.execute(text(like))
        connection.execute(
            text(
                f"ALTER TABLE {predictions.name} ATTACH PARTITION {month.table} FOR VALUES {bounds}"
            )
        )


def existing(connection: Connection) -> set[Month]:
    """The months that have a partition."""
    names = connection.execute(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = to_regclass(:parent)"
        ),
        {"parent": predictions.name},
    ).scalars()
    return {Month(*map(int, name.split("_")[-2:])) for name in names}


def drop_before(connection: Connection, prediction_id: str) -> int:
    """Drop the partitions whose every id is smaller; gives how many predictions they held."""
    connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    dropped = 0
    for month in sorted(existing(connection)):
        if month.next.first_id <= prediction_id:
            dropped += connection.execute(text(f"SELECT count(*) FROM {month.table}")).scalar_one()  # noqa: S608  # a name of our own making
            connection.execute(text(f"DROP TABLE {month.table}"))
    return dropped
