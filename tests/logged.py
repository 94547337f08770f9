"""Predictions to log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from churn.columns import Columns
from churn.partitions import first_id
from churn.prediction_log import Predicted
from churn.synthetic import Draw

if TYPE_CHECKING:
    from churn.scoring import Scorer

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


def prediction(
    customer: str | None = "C1", at: datetime = NOON, number: int = 0, **other: Any
) -> Predicted:
    """A prediction; `number` tells those of one millisecond apart."""
    known = {
        "prediction_id": str(UUID(int=UUID(first_id(at)).int | (7 << 76) | (2 << 62) | number)),
        "predicted_at": at,
        "customer_id": customer,
        "values": {"age": 40, "charge": 60.1},
        "probability": 0.7,
        "will_churn": True,
        "risk_level": "high",
        "model_version": "v1",
        "latency_ms": 1.5,
    }
    return Predicted(**known | other)


def sent(columns: Columns, row: int) -> dict[str, Any]:
    """A customer as a caller sends one: JSON, without what is not known."""
    values = {name: array[row] for name, array in columns.items()}
    plain = {n: v if isinstance(v, str) else float(v) for n, v in values.items() if v is not None}
    return {name: value for name, value in plain.items() if value == value}  # noqa: PLR0124


def served(
    scorer: Scorer, drawn: Draw, moments: Sequence[datetime], version: str = "v1"
) -> list[Predicted]:
    """What a server with this model logs of some customers, one at each moment (n,)."""
    scores = scorer.probabilities(drawn.columns)
    flags = scorer.decisions(scores)
    return [
        prediction(
            drawn.ids[row],
            at,
            row,
            values=sent(drawn.columns, row),
            probability=float(scores[row]),
            will_churn=bool(flags[row]),
            model_version=version,
        )
        for row, at in enumerate(moments)
    ]
