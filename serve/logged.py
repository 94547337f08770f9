"""From exchanges to rows of the prediction log, and to columns that the drift metrics count."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.contract import SCORE
from churn.prediction_log import Predicted
from serve.batches import WANTED
from serve.body import parsed
from serve.customers import Customers
from serve.exchanges import Exchange

Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


def pairs(exchange: Exchange) -> list[Pair]:
    """What was asked and what was answered, customer by customer."""
    asked, answered = parsed(exchange.asked, WANTED), parsed(exchange.answered, WANTED)
    if "predictions" not in answered:
        return [(asked, answered)]
    predictions = answered["predictions"]
    customers = asked if isinstance(asked, list) else _rows(asked["columns"])
    # A batch with ?on_error=skip leaves customers out, and says of each where it stood.
    return [(customers[one.get("index", i)], one) for i, one in enumerate(predictions)]


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def predicted(found: Iterable[Pair], id_field: str | None, ms: float) -> Iterator[Predicted]:
    """Rows of the log.

    Args:
        found: what was asked and answered.
        id_field: of the customer; None where the table has no id.
        ms: that the answer took.
    """
    for asked, answered in found:
        yield Predicted(
            prediction_id=answered["prediction_id"],
            predicted_at=datetime.fromisoformat(answered["timestamp"]),
            customer_id=answered[id_field] if id_field else None,
            values={k: v for k, v in asked.items() if k != id_field and v is not None},
            probability=answered[SCORE],
            will_churn=answered["will_churn"],
            risk_level=answered["risk_level"],
            model_version=answered["model_version"],
            latency_ms=ms,
        )


def by_model(found: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Customers by the version of the model that answered."""
    groups: dict[str, list[Pair]] = defaultdict(list)
    for one in found:
        groups[one[1]["model_version"]].append(one)
    return groups


def columns(found: Sequence[Pair], customers: Customers) -> dict[str, NDArray[Any]]:
    """The contract's columns and the score, each (n,), of n customers."""
    batch = customers.by_row([asked for asked, _ in found])
    return {**batch.columns, SCORE: np.array([answered[SCORE] for _, answered in found])}
