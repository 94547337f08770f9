"""What the prediction log asks its database; each call is a constant number of queries a chunk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    cast,
    column,
    select,
    values,
)
from sqlalchemy.dialects import postgresql, sqlite

from churn.partitions import MILLISECOND, first_id
from churn.prediction_log_schema import Instant, outcomes, predictions

# Rows a statement; PostgreSQL takes 65,535 values in one, SQLite 32,766.
CHUNK = 1000

# What is read of a prediction and its outcome.
COLUMNS = (
    "prediction_id",
    "predicted_at",
    "customer_id",
    "values",
    "probability",
    "will_churn",
    "risk_level",
    "model_version",
    "latency_ms",
    "churned",
    "observed_at",
)

T = TypeVar("T")


@dataclass(frozen=True)
class Logged:
    """What is replayed of a prediction, as it stands in the log.

    Attributes:
        prediction_id: UUID of version 7.
        values: the JSON text of what the caller sent.
        probability: that was answered; SQLite lets anything stand there.
        will_churn: that was answered.
        risk_level: that was answered.
        model_version: of the model that answered.
    """

    prediction_id: str
    values: str
    probability: object
    will_churn: bool
    risk_level: str
    model_version: str


# In the order of its attributes.
REPLAYED = ("prediction_id", "values", "probability", "will_churn", "risk_level", "model_version")


def storable(customer_id: str | None) -> str | None:
    r"""A customer's id without what PostgreSQL's text cannot hold, the character \0."""
    return customer_id and customer_id.replace("\0", "\N{REPLACEMENT CHARACTER}")


def canonical(prediction_id: str | None) -> str | None:
    """An id in the usual spelling, or None if it is no UUID."""
    try:
        return prediction_id and str(UUID(prediction_id))
    except ValueError:
        return None


def insert_missing(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> set[str]:
    """Insert the rows whose id is not there; gives the ids of those."""
    if not rows:
        return set()
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).on_conflict_do_nothing(index_elements=["prediction_id"])
    return set(connection.execute(statement.returning(table.c.prediction_id), rows).scalars())


def latest(connection: Connection, asked: Sequence[tuple[str, datetime]]) -> list[str | None]:
    """For each customer and moment, the customer's latest prediction up to then."""
    found: list[str | None] = []
    for chunk in _chunks(asked):
        numbered = [(n, storable(customer), moment) for n, (customer, moment) in enumerate(chunk)]
        answers = connection.execute(latest_query(numbered)).all()
        found += [one for _, one in sorted(answers, key=lambda answer: answer[0])]
    return found


def latest_query(asked: Sequence[tuple[int, str | None, datetime]]) -> Select[int, str]:
    """The query of `latest` for numbered customers and moments."""
    names = (column("number", Integer), column("customer_id", String), column("moment", Instant))
    given = values(*names, name="asked").data(asked).cte()
    found = (
        select(predictions.c.prediction_id)
        .where(predictions.c.customer_id == given.c.customer_id)
        .where(predictions.c.predicted_at <= given.c.moment)
        .order_by(predictions.c.predicted_at.desc(), predictions.c.prediction_id.desc())
        .limit(1)
        .correlate(given)
        .scalar_subquery()
    )
    return select(given.c.number, found)


def answered(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, bool]]:
    """The model's version and answer of each prediction that is there, by its id."""
    named = predictions.c
    query = select(named.prediction_id, named.model_version, named.will_churn)
    rows = _by_id(connection, query, predictions, ids)
    return {row[0]: (row[1], row[2]) for row in rows}


def observed(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[bool, datetime]]:
    """The outcome of each prediction that has one, by its id."""
    named = outcomes.c
    query = select(named.prediction_id, named.churned, named.observed_at)
    return {row[0]: (row[1], row[2]) for row in _by_id(connection, query, outcomes, ids)}


def period(since: datetime, until: datetime) -> Select[Any]:
    """Predictions from `since` on and before `until` as rows of `COLUMNS`, ordered by id."""
    at, own = predictions.c.predicted_at, predictions.c.prediction_id
    return (
        _as_stored(COLUMNS)
        .outerjoin_from(predictions, outcomes, own == outcomes.c.prediction_id)
        .where(at >= since, at < until)
        # The same once more by id, so that months outside are not even opened.
        .where(own >= first_id(since - MILLISECOND), own < first_id(until))
        .order_by(own)
    )


def page(least: str, most: int) -> Select[Any]:
    """The first predictions from an id on, ordered by id, as rows of `REPLAYED`."""
    own = predictions.c.prediction_id
    return _as_stored(REPLAYED).where(own >= least).order_by(own).limit(most)


def _as_stored(names: Sequence[str]) -> Select[Any]:
    """Columns of predictions and outcomes; values as text, so that no number is written anew."""
    named = {column.name: column for column in (*outcomes.c, *predictions.c)}
    named["values"] = cast(predictions.c["values"], Text)
    return select(*[named[name] for name in names])


def _by_id(
    connection: Connection, query: Select[str, Any, Any], table: Table, ids: Sequence[str]
) -> Iterator[Row[str, Any, Any]]:
    for chunk in _chunks(ids):
        yield from connection.execute(query.where(table.c.prediction_id.in_(chunk)))


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
