"""The tables of the prediction log. `migrations/` makes them; a test holds the two equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    MetaData,
    String,
    Table,
    TypeDecorator,
    Uuid,
    func,
)

# The newest file of migrations/versions.
REVISION = "0001"
# Any number that nothing else in the database locks: processes that change tables take turns by it.
LOCK = 0x636875726E


class Instant(TypeDecorator[datetime]):
    """An aware moment; SQLite, which knows no time zones, gets it in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Dialect) -> datetime | None:
        """To UTC. Raises ValueError for a moment without a time zone: it could be any."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: Any, _: Dialect) -> datetime | None:
        """Back as UTC, whatever the time zone of the session."""
        if value is not None and value.tzinfo is None:
            return value.replace(tzinfo=UTC)
        return value and value.astimezone(UTC)


metadata = MetaData()

# On PostgreSQL divided into months. An id begins with its time, so the primary key alone says the
# month, and an insert that is repeated meets the row that is there.
predictions = Table(
    "predictions",
    metadata,
    Column("prediction_id", Uuid(as_uuid=False), primary_key=True),
    Column("predicted_at", Instant, nullable=False),
    Column("customer_id", String),
    # As text and not as JSONB, which makes 0.0 of -0.0 and an integer of 1e20, and knows no \u0000.
    Column("values", JSON, nullable=False),
    Column("probability", Double, nullable=False),
    Column("will_churn", Boolean, nullable=False),
    Column("risk_level", String, nullable=False),
    Column("model_version", String, nullable=False),
    Column("latency_ms", Double, nullable=False),
    Index("predictions_customer_id_predicted_at", "customer_id", "predicted_at"),
    Index("predictions_predicted_at", "predicted_at"),
    postgresql_partition_by="RANGE (prediction_id)",
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("prediction_id", Uuid(as_uuid=False), primary_key=True),
    Column("churned", Boolean, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False, server_default=func.now()),
    Index("outcomes_observed_at", "observed_at"),
)
