"""Predictions and their outcomes as Arrow; apart, since the server does without pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import Row

ARROW = pa.schema(
    {
        "prediction_id": pa.string(),
        "predicted_at": pa.timestamp("us", "UTC"),
        "customer_id": pa.string(),
        "values": pa.string(),
        "probability": pa.float64(),
        "will_churn": pa.bool_(),
        "risk_level": pa.string(),
        "model_version": pa.string(),
        "latency_ms": pa.float64(),
        "churned": pa.bool_(),
        "observed_at": pa.timestamp("us", "UTC"),
    }
)


def table(parts: Iterable[Sequence[Row[Any]]]) -> pa.Table:
    """Rows of `prediction_log_queries.period` as one table."""
    batches = [
        # SQLAlchemy's public name for it.
        pa.RecordBatch.from_pylist([dict(row._mapping) for row in rows], ARROW)
        for rows in parts
    ]
    return pa.Table.from_batches(batches, ARROW)
