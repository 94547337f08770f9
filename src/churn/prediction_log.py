"""The prediction log: what was predicted for whom, and what became of them.

It is kept in PostgreSQL or in a SQLite file. Whatever is called while the database is away raises
`LogUnreachable` and may be called again with the same rows: nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from sqlalchemy import Connection, Engine, delete, inspect, text
from sqlalchemy.exc import IntegrityError

from churn import partitions
from churn import prediction_log_queries as queries
from churn.database import WRITES, engine_of, parsed, reachable, shown
from churn.errors import LogSchemaOutdated
from churn.partitions import Month, first_id
from churn.prediction_log_queries import Logged
from churn.prediction_log_schema import REVISION, outcomes, predictions

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_READ_AT_ONCE = 10_000

Status = Literal["recorded", "repeated", "unknown", "conflict"]


@dataclass(frozen=True)
class Predicted:
    """One prediction as it was answered.

    Attributes:
        prediction_id: UUID of version 7, 36 characters; its time is `predicted_at`.
        predicted_at: aware.
        customer_id: None where the caller named none.
        values: what the caller sent, by column name.
        probability: of leaving.
        will_churn: whether it is above the model's threshold.
        risk_level: low, medium or high.
        model_version: of the model that answered.
        latency_ms: from request to answer.
    """

    prediction_id: str
    predicted_at: datetime
    customer_id: str | None
    values: Mapping[str, Any]
    probability: float
    will_churn: bool
    risk_level: str
    model_version: str
    latency_ms: float


@dataclass(frozen=True)
class Feedback:
    """What became of a customer.

    Attributes:
        customer_id: whose latest prediction made at or before `observed_at` is meant.
        prediction_id: the prediction that is meant; the customer's id then says nothing more.
        churned: whether the customer left.
        observed_at: when that was known; aware.
    """

    customer_id: str | None
    prediction_id: str | None
    churned: bool
    observed_at: datetime


@dataclass(frozen=True)
class Recorded:
    """What became of one feedback.

    Attributes:
        status: `recorded`; `repeated`, it was there already; `unknown`, no such prediction;
            `conflict`, its prediction has another outcome, which stays.
        prediction_id, model_version: of the prediction; None if unknown.
        predicted: its `will_churn`; None if unknown.
    """

    status: Status
    prediction_id: str | None
    model_version: str | None
    predicted: bool | None


class PredictionLog:
    """The log in one database; threads may share it, processes open their own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(**WRITES)
        self._months: set[Month] = set()

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect and see that the tables are there.

        Args:
            url: as `churn.database.database_url` gives it.
        Raises:
            UnusableDatabaseUrl: it is malformed, or of a database that is not supported.
            LogUnreachable: the database does not answer.
            LogSchemaOutdated: its tables are not those of this code.
        """
        address = parsed(url)
        if address.get_backend_name() == "sqlite" and _could_be(Path(str(address.database))):
            # To look is not to make one.
            raise LogSchemaOutdated(shown(address), None, REVISION)
        log = cls(engine_of(address))
        try:
            log._refuse_other_tables()
        except BaseException:
            log.close()
            raise
        return log

    def _refuse_other_tables(self) -> None:
        with reachable(self._engine.url), self._engine.connect() as connection:
            found = _revision(connection)
        if found != REVISION:
            raise LogSchemaOutdated(shown(self._engine.url), found, REVISION)

    def add(self, rows: Sequence[Predicted]) -> int:
        """Store predictions, all or none; those that are there already stay as they are.

        Returns:
            how many were new.
        Raises:
            LogUnreachable.
        """
        if not rows:
            return 0
        with reachable(self._engine.url):
            try:
                return self._add(rows)
            except IntegrityError:
                if not self._months:
                    raise
                # Another process has dropped a month that this one took to be there.
                self._months.clear()
                return self._add(rows)

    def _add(self, rows: Sequence[Predicted]) -> int:
        missing = {Month.of(row.prediction_id) for row in rows} - self._months
        if self._is_divided and missing:
            with self._writing.begin() as connection:
                partitions.create(connection, missing)
            self._months |= missing
        # In one order, so that two processes never wait for each other.
        stored = [_as_row(row) for row in sorted(rows, key=lambda row: row.prediction_id)]
        with self._writing.begin() as connection:
            return len(queries.insert_missing(connection, predictions, stored))

    def record(self, feedback: Sequence[Feedback]) -> list[Recorded]:
        """Store outcomes, all or none; the first outcome of a prediction stays.

        Returns:
            what became of each, in the order given.
        Raises:
            LogUnreachable.
        """
        with reachable(self._engine.url), self._writing.begin() as connection:
            ids = _meant(connection, feedback)
            answers = queries.answered(connection, sorted({one for one in ids if one}))
            first: dict[str, int] = {}
            for number, one in enumerate(ids):
                if one in answers:
                    first.setdefault(one, number)
            # In one order, as above.
            rows = [_outcome(one, feedback[first[one]]) for one in sorted(first)]
            new = queries.insert_missing(connection, outcomes, rows)
            there = queries.observed(connection, sorted(first))

        def recorded(number: int, one: str | None) -> Recorded:
            if one not in answers:
                return Recorded("unknown", None, None, None)
            given = feedback[number]
            same = there[one] == (given.churned, given.observed_at)
            status: Status = "repeated" if same else "conflict"
            is_new = one in new and first[one] == number
            return Recorded("recorded" if is_new else status, one, *answers[one])

        return [recorded(number, one) for number, one in enumerate(ids)]

    def forget(self, before: datetime) -> int:
        """Remove the predictions made before a moment, to the millisecond, and their outcomes.

        Returns:
            how many predictions.
        Raises:
            LogUnreachable.
        """
        least = first_id(before)
        with reachable(self._engine.url), self._writing.begin() as connection:
            connection.execute(delete(outcomes).where(outcomes.c.prediction_id < least))
            dropped = partitions.drop_before(connection, least) if self._is_divided else 0
            older = delete(predictions).where(predictions.c.prediction_id < least)
            removed = connection.execute(older).rowcount
        self._months.clear()
        return dropped + removed

    def read(self, since: datetime, until: datetime) -> pa.Table:
        """The predictions made from `since` on and before `until`, with what became of them.

        Returns:
            a table of `prediction_log_arrow.ARROW`, ordered by `prediction_id`; `values` is the
            JSON text that was stored, `churned` and `observed_at` are null where none is known.
        Raises:
            LogUnreachable.
        """
        from churn import prediction_log_arrow

        query = queries.period(since, until).execution_options(yield_per=ROWS_READ_AT_ONCE)
        with reachable(self._engine.url), self._engine.connect() as connection:
            return prediction_log_arrow.table(connection.execute(query).partitions())

    def page(self, least: str, most: int) -> list[Logged]:
        """The first predictions whose id is not below `least`, at most so many, ordered by id.

        Raises:
            LogUnreachable.
        """
        with reachable(self._engine.url), self._engine.connect() as connection:
            return [Logged(*row) for row in connection.execute(queries.page(least, most))]

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    @property
    def _is_divided(self) -> bool:
        return self._engine.dialect.name == "postgresql"


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _as_row(predicted: Predicted) -> dict[str, Any]:
    customer_id = queries.storable(predicted.customer_id)
    return {**vars(predicted), "customer_id": customer_id, "values": dict(predicted.values)}


def _outcome(prediction_id: str, given: Feedback) -> dict[str, Any]:
    return {
        "prediction_id": prediction_id,
        "churned": given.churned,
        "observed_at": given.observed_at,
    }


def _meant(connection: Connection, feedback: Sequence[Feedback]) -> list[str | None]:
    """The prediction that each feedback names, or means by its customer."""
    ids = [queries.canonical(given.prediction_id) for given in feedback]
    by_customer = [
        (number, given.customer_id, given.observed_at)
        for number, given in enumerate(feedback)
        if given.prediction_id is None and given.customer_id is not None
    ]
    found = queries.latest(connection, [(who, when) for _, who, when in by_customer])
    for (number, *_), one in zip(by_customer, found, strict=True):
        ids[number] = one
    return ids


def _could_be(path: Path) -> bool:
    """Whether nothing is at a path where a file could be."""
    try:
        return not path.exists() and all(one.is_dir() for one in path.parents if one.exists())
    except OSError:  # a folder that this user may not enter: the database says so
        return False
