"""The prediction log on SQLite and on a real PostgreSQL: what goes in comes out, and only once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, text

from churn.database import engine_of, parsed
from churn.errors import LogSchemaOutdated, LogUnreachable
from churn.migrating import migrate
from churn.partitions import Month, first_id, moment_of
from churn.prediction_log import Feedback, Predicted, PredictionLog, Recorded
from churn.prediction_log_arrow import ARROW
from churn.prediction_log_queries import latest_query, page
from tests.logged import NOON, prediction
from tests.postgres import Postgres

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


@pytest.fixture
def url(any_database: str) -> str:
    """Address of a migrated, empty database."""
    migrate(any_database)
    return any_database


@pytest.fixture
def log(url: str) -> Iterator[PredictionLog]:
    with closing(PredictionLog.open(url)) as opened:
        yield opened


@pytest.fixture
def divided(new_database: Callable[[], str]) -> Iterator[tuple[PredictionLog, str]]:
    """A log on PostgreSQL, and its address."""
    address = new_database()
    migrate(address)
    with closing(PredictionLog.open(address)) as opened:
        yield opened, address


def rows(log: PredictionLog) -> list[dict]:
    return log.read(*EVER).to_pylist()


def of_customer(customer: str, at: datetime = NOON + DAY, *, churned: bool = True) -> Feedback:
    return Feedback(customer, None, churned, at)


def partitions_of(address: str) -> list[str]:
    engine = engine_of(parsed(address))
    query = "SELECT relname FROM pg_class WHERE relname ~ '^predictions_[0-9_]+$' AND relkind = 'r'"
    with engine.connect() as connection:
        names = sorted(connection.execute(text(query)).scalars())
    engine.dispose()
    return names


# What goes in comes out


def test_a_prediction_comes_back_bit_for_bit(log: PredictionLog):
    values = {
        "a": -0.0, "b": 1e20, "c": 5e-324, "d": 0.1 + 0.2, "e": 2**53 + 1, "f": 1.0, "g": None,
        "h": True, "i": "Zürich \0 \U0001f600 '\"%s:x", "j": 1.7976931348623157e308,
    }  # fmt: skip
    given = prediction(values=values, probability=0.1 + 0.2, latency_ms=5e-324)

    assert log.add([given]) == 1

    [row] = rows(log)
    back = json.loads(row.pop("values"))
    assert [(repr(value), type(value)) for value in back.values()] == [
        (repr(value), type(value)) for value in values.values()
    ]
    assert row == {name: value for name, value in vars(given).items() if name != "values"} | {
        "churned": None,
        "observed_at": None,
    }


# No probability is -0.0, whose sign SQLite's columns do not keep; a value may be.
@given(
    value=st.floats(allow_nan=False, allow_infinity=False),
    probability=st.floats(0.0, 1.0).filter(lambda it: math.copysign(1, it) > 0),
)
@example(value=-0.0, probability=0.0)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_number_comes_back_bit_for_bit(log: PredictionLog, value: float, probability: float):
    log.forget(EVER[1])
    log.add([prediction(values={"x": value}, probability=probability)])
    [row] = rows(log)
    assert float.hex(row["probability"]) == float.hex(probability)
    assert float.hex(json.loads(row["values"])["x"]) == float.hex(value)


def test_moments_come_back_aware_whatever_the_zone_they_were_given_in(log: PredictionLog):
    away = timezone(timedelta(hours=-7))
    log.add([prediction(at=NOON.astimezone(away))])
    log.record([of_customer("C1", NOON.astimezone(away) + timedelta(microseconds=1))])

    [row] = rows(log)

    assert (row["predicted_at"], row["observed_at"]) == (NOON, NOON + timedelta(microseconds=1))
    assert row["predicted_at"].utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_our_own_mistake(log: PredictionLog):
    log.add([prediction()])
    with pytest.raises(Exception, match="2026-03-16 12:00:00 has no time zone"):
        log.record([of_customer("C1", datetime(2026, 3, 16, 12))])
    assert rows(log)[0]["churned"] is None


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(log: PredictionLog):
    moments = [NOON, NOON + HOUR, NOON + 2 * HOUR]
    log.add([prediction(at=at) for at in reversed(moments)])

    table = log.read(NOON, NOON + 2 * HOUR)

    assert table.schema == ARROW
    assert table["predicted_at"].to_pylist() == moments[:2]
    assert log.read(NOON + 3 * HOUR, NOON + 4 * HOUR).num_rows == 0


def test_a_period_counts_the_microseconds_that_an_id_has_not(log: PredictionLog):
    at = NOON + timedelta(microseconds=700)
    log.add([prediction(at=at, prediction_id=prediction(at=NOON).prediction_id)])

    assert log.read(NOON + timedelta(microseconds=300), NOON + HOUR).num_rows == 1
    assert log.read(NOON + timedelta(microseconds=800), NOON + HOUR).num_rows == 0


def test_a_page_begins_at_an_id_and_is_as_long_as_asked(log: PredictionLog):
    made = [prediction(at=NOON + n * HOUR, values={"x": -0.0}) for n in range(5)]
    log.add(made[::-1])

    page = log.page(made[1].prediction_id, 3)

    assert [row.prediction_id for row in page] == [row.prediction_id for row in made[1:4]]
    first = page[0]
    assert (first.values, first.probability, first.will_churn) == ('{"x": -0.0}', 0.7, True)
    assert (first.risk_level, first.model_version) == ("high", "v1")
    assert log.page(first_id(NOON + 9 * HOUR), 3) == []
    assert moment_of(page[2].prediction_id) == NOON + 3 * HOUR


# Added once


def test_what_is_there_already_is_not_added_and_not_changed(log: PredictionLog):
    first, second = prediction(number=1), prediction(number=2)

    assert log.add([]) == 0
    assert log.add([first, first]) == 1
    assert log.add([replace(first, probability=0.1), second]) == 1
    assert [row["probability"] for row in rows(log)] == [0.7, 0.7]


def test_all_are_added_or_none(log: PredictionLog):
    with pytest.raises(Exception, match="not JSON serializable"):
        log.add([prediction(number=1), prediction(number=2, values={"age": object()})])
    assert rows(log) == []


def test_several_processes_add_and_record_at_once(url: str):
    def work(number: int) -> tuple[int, int]:
        with closing(PredictionLog.open(url)) as one:
            made = [prediction(f"C{n}", NOON + 20 * n * DAY, number=n) for n in range(30)]
            new = one.add(made if number % 2 else made[::-1])
            asked = [Feedback(None, row.prediction_id, True, NOON) for row in made]
            done = one.record(asked if number % 2 else asked[::-1])
            return new, [it.status for it in done].count("recorded")

    with ThreadPoolExecutor(4) as pool:
        done = [*pool.map(work, range(8))]

    assert [sum(counts) for counts in zip(*done, strict=True)] == [30, 30]


# Outcomes


def test_an_outcome_belongs_to_the_latest_prediction_up_to_then(log: PredictionLog):
    made = [prediction("C1", NOON + n * DAY, model_version=f"v{n}") for n in range(3)]
    log.add([*made, prediction("C2", NOON + DAY, number=9), prediction(None, NOON + DAY, number=8)])

    done = log.record(
        [
            of_customer("C1", NOON + DAY),
            of_customer("C1", NOON + 9 * DAY, churned=False),
            of_customer("C1", NOON - timedelta(microseconds=1)),
            of_customer("C9"),
        ]
    )

    assert done == [
        Recorded("recorded", made[1].prediction_id, "v1", True),
        Recorded("recorded", made[2].prediction_id, "v2", True),
        Recorded("unknown", None, None, None),
        Recorded("unknown", None, None, None),
    ]
    assert [row["churned"] for row in rows(log)] == [None, True, None, None, False]


def test_of_two_predictions_of_one_moment_the_later_id_is_the_latest(log: PredictionLog):
    early, late = prediction(number=1), prediction(number=2)
    log.add([late, early])
    assert log.record([of_customer("C1")])[0].prediction_id == late.prediction_id


def test_an_outcome_may_name_its_prediction(log: PredictionLog):
    made = prediction(None, will_churn=False)
    log.add([made])
    names = [made.prediction_id.upper(), prediction(number=5).prediction_id, "nonsense", None]

    done = log.record([Feedback(None, name, False, NOON) for name in names])

    assert done[0] == Recorded("recorded", made.prediction_id, "v1", False)
    assert {one.status for one in done[1:]} == {"unknown"}


def test_the_first_outcome_stays(log: PredictionLog):
    log.add([prediction()])
    told = of_customer("C1")
    other = [of_customer("C1", churned=False), of_customer("C1", NOON + 2 * DAY)]

    within_one_call = [one.status for one in log.record([told, told, *other])]
    later = [one.status for one in log.record([told, *other])]

    assert within_one_call == ["recorded", "repeated", "conflict", "conflict"]
    assert later == ["repeated", "conflict", "conflict"]
    [row] = rows(log)
    assert (row["churned"], row["observed_at"]) == (True, NOON + DAY)


def test_customers_are_found_by_any_text(log: PredictionLog):
    names = ["", " x", "x", "X", "%", "a\0b", "Ж'\"\\", "x" * 5000]
    log.add([prediction(name, number=number) for number, name in enumerate(names)])
    done = log.record([of_customer(name) for name in names])
    assert [one.status for one in done] == ["recorded"] * len(names)


def test_ten_thousand_outcomes_take_a_few_queries_a_thousand(log: PredictionLog):
    log.add([prediction(f"C{n}", number=n) for n in range(2000)])
    seen = []
    event.listen(log._engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    done = log.record([of_customer(f"C{n % 2500}") for n in range(10_000)])

    assert len(seen) <= 50
    counted = {s: [one.status for one in done].count(s) for s in ("recorded", "unknown")}
    assert counted == {"recorded": 2000, "unknown": 2000}


customers = st.sampled_from(["A", "B"])
hours = st.integers(0, 3)
steps = st.one_of(
    st.tuples(st.just("add"), st.lists(st.tuples(customers, hours, st.integers(0, 1)), max_size=4)),
    st.tuples(
        st.just("record"),
        st.lists(st.tuples(customers, hours, st.booleans(), st.booleans()), max_size=4),
    ),
)


class Model:
    """What the log does, with two dicts."""

    def __init__(self) -> None:
        self.made: dict[str, Predicted] = {}
        self.known: dict[str, tuple[bool, datetime]] = {}

    def add(self, made: list[Predicted]) -> int:
        before = len(self.made)
        for one in made:
            self.made.setdefault(one.prediction_id, one)
        return len(self.made) - before

    def record(self, told: list[Feedback]) -> list[Recorded]:
        return [self._record(one) for one in told]

    def _record(self, told: Feedback) -> Recorded:
        if told.prediction_id is None:
            mine = [
                (one.predicted_at, one.prediction_id)
                for one in self.made.values()
                if one.customer_id == told.customer_id and one.predicted_at <= told.observed_at
            ]
            key = max(mine)[1] if mine else None
        else:
            key = told.prediction_id if told.prediction_id in self.made else None
        if key is None:
            return Recorded("unknown", None, None, None)
        content, is_new = (told.churned, told.observed_at), key not in self.known
        same = self.known.setdefault(key, content) == content
        status = "recorded" if is_new else "repeated" if same else "conflict"
        return Recorded(status, key, self.made[key].model_version, self.made[key].will_churn)


@given(sequence=st.lists(steps, max_size=6))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_sequence_leaves_what_two_dicts_would(log: PredictionLog, sequence):
    log.forget(EVER[1])
    model = Model()
    for kind, items in sequence:
        if kind == "add":
            made = [prediction(c, NOON + h * HOUR, 2 * "AB".index(c) + n) for c, h, n in items]
            assert log.add(made) == model.add(made)
        else:
            told = [
                Feedback(None, prediction(c, NOON + h * HOUR, 0).prediction_id, churned, NOON + DAY)
                if by_id
                else Feedback(c, None, churned, NOON + h * HOUR)
                for c, h, churned, by_id in items
            ]
            assert log.record(told) == model.record(told)
    found = {row["prediction_id"]: (row["churned"], row["observed_at"]) for row in rows(log)}
    assert found == {key: model.known.get(key, (None, None)) for key in sorted(model.made)}
    assert [*found] == sorted(found)


# Retention


def test_what_is_forgotten_is_gone_with_its_outcome(log: PredictionLog):
    moments = [NOON + n * timedelta(days=20) for n in range(6)]
    made = [prediction(f"C{n}", at) for n, at in enumerate(moments)]
    log.add(made)
    log.record([of_customer(f"C{n}", moments[-1] + DAY) for n in range(6)])

    assert log.forget(moments[3]) == 3
    assert [row["customer_id"] for row in rows(log)] == ["C3", "C4", "C5"]
    assert log.forget(moments[3]) == 0

    assert log.add(made) == 3
    assert [row["churned"] for row in rows(log)] == [None] * 3 + [True] * 3


def test_a_month_is_a_partition(divided):
    log, address = divided
    ends = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)]
    log.add([prediction(at=at - timedelta(milliseconds=ms)) for at in ends for ms in (0, 1)])
    assert partitions_of(address) == [
        f"predictions_{month}" for month in ("2025_12", "2026_01", "2026_11", "2026_12")
    ]


def test_months_that_are_wholly_older_are_dropped(divided):
    log, address = divided
    first = datetime(2026, 2, 1, tzinfo=UTC)
    log.add([prediction(at=first + n * timedelta(days=14)) for n in range(8)])
    assert len(partitions_of(address)) == 4

    assert log.forget(datetime(2026, 4, 1, tzinfo=UTC)) == 5
    assert partitions_of(address) == ["predictions_2026_04", "predictions_2026_05"]
    assert log.forget(datetime(2026, 4, 30, tzinfo=UTC)) == 2
    assert partitions_of(address) == ["predictions_2026_04", "predictions_2026_05"]


def test_a_month_that_another_process_dropped_is_made_again(divided):
    log, address = divided
    log.add([prediction()])
    with closing(PredictionLog.open(address)) as other:
        other.forget(NOON + 60 * DAY)

    assert log.add([prediction()]) == 1


def test_a_lookup_by_customer_and_a_period_use_their_indexes(divided):
    log, address = divided
    start = datetime(2026, 1, 5, tzinfo=UTC)
    log.add([prediction(f"C{n}", start + n * timedelta(minutes=30)) for n in range(4000)])
    engine = engine_of(parsed(address))
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        query = latest_query([(0, "C5", NOON)]).compile(engine)
        explained = connection.exec_driver_sql(f"EXPLAIN {query}", query.params).scalars().all()
    engine.dispose()

    plan = "\n".join(explained)
    assert "Index" in plan and "customer_id_predicted_at" in plan
    assert "Seq Scan on predictions" not in plan


def test_a_page_is_read_from_the_key_and_stops_when_it_is_full(divided):
    log, address = divided
    start = datetime(2026, 1, 5, tzinfo=UTC)
    log.add([prediction(at=start + n * timedelta(minutes=30)) for n in range(4000)])
    engine = engine_of(parsed(address))
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        query = page(first_id(NOON), 100).compile(engine)
        explained = connection.exec_driver_sql(f"EXPLAIN {query}", query.params).scalars().all()
    engine.dispose()

    plan = "\n".join(explained)
    assert plan.startswith("Limit")
    assert "Index Scan using predictions_2026_03_pkey" in plan
    assert "Sort" not in plan and "Seq Scan" not in plan
    # Months before are not opened.
    assert "2026_01" not in plan


@pytest.mark.parametrize(
    ("month", "after"), [(Month(2026, 1), Month(2026, 2)), (Month(2026, 12), Month(2027, 1))]
)
def test_months_follow_each_other(month: Month, after: Month):
    assert month.next == after
    assert Month.of(month.first_id) == month
    last = str(UUID(int=UUID(after.first_id).int - 1))
    assert Month.of(last) == month


# Outages


def test_an_outage_is_told_as_one_and_over_as_soon_as_it_is(own_postgres: Postgres):
    address = own_postgres.new_database()
    migrate(address)
    with closing(PredictionLog.open(address)) as log:
        log.add([prediction()])
        own_postgres.stop()
        for use in (
            lambda: log.add([prediction(number=1)]),
            lambda: log.record([of_customer("C1")]),
            lambda: log.read(*EVER),
            lambda: log.forget(NOON),
            lambda: PredictionLog.open(address),
            lambda: migrate(address),
        ):
            with pytest.raises(LogUnreachable, match="prediction log at postgresql://") as caught:
                use()
            assert "secret" not in str(caught.value)
            assert "\n" not in str(caught.value)
            assert "try again" in str(caught.value)
        own_postgres.start()

        assert log.add([prediction(number=1)]) == 1
        assert len(rows(log)) == 2


def test_a_standby_that_takes_no_writes_is_away(divided):
    log, address = divided
    log.add([prediction()])
    engine = create_engine(parsed(address), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        name = parsed(address).database
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    engine.dispose()
    read_only = pytest.raises(LogUnreachable, match="read-only transaction")
    with closing(PredictionLog.open(address)) as other, read_only:
        other.add([prediction(number=1)])


def test_a_file_that_another_writer_holds_for_long_is_away(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("churn.database.LOCK_TIMEOUT", 0.1)
    address = f"sqlite:///{tmp_path}/log.db"
    migrate(address)
    holder = engine_of(parsed(address)).execution_options(churn_writes=True)
    with closing(PredictionLog.open(address)) as log:
        with holder.begin(), pytest.raises(LogUnreachable, match="database is locked"):
            log.add([prediction()])
        assert log.add([prediction()]) == 1
    holder.dispose()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(LogUnreachable, match=r"prediction log at sqlite:.*: File exists\. See"):
        PredictionLog.open(f"sqlite:///{tmp_path}/file/log.db")


def test_tables_of_another_version_are_refused(url: str):
    engine = engine_of(parsed(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(LogSchemaOutdated, match=r"are of version 0000, .* needs 0001\. Run make"):
        PredictionLog.open(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(LogSchemaOutdated, match="no server has written there"):
        PredictionLog.open(url)
    engine.dispose()
