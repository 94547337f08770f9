"""The recorder: each prediction once in the database, whatever that does meanwhile."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from prometheus_client import CollectorRegistry

from churn.drift import psi
from churn.errors import LogUnreachable
from churn.migrating import migrate
from churn.prediction_log import Feedback, PredictionLog
from serve.answers import Answers
from serve.batches import BatchOptions, answered_bytes
from serve.exchanges import Exchange, pack
from serve.log_metrics import RecorderMetrics
from serve.recorder import Recorder
from serve.spool import Spool
from tests.serve.models import SETTINGS, generation, requests, some

LIMIT = 64 * 1024 * 1024
NOW = generation()
MODEL = NOW.lineup.champion
ANSWERS = Answers.of(MODEL.customers, SETTINGS)
LATER = datetime.now(UTC) + timedelta(hours=1)


class Database:
    """A log that can be taken away."""

    def __init__(self, folder):
        self.url = f"sqlite:///{folder}/log.db"
        migrate(self.url)
        self.is_there = True
        self.asked = 0

    def connect(self):
        self.asked += 1
        if not self.is_there:
            raise LogUnreachable("somewhere", "it is away")
        return PredictionLog.open(self.url)

    @property
    def rows(self):
        log = PredictionLog.open(self.url)
        found = log.read(datetime(2000, 1, 1, tzinfo=UTC), LATER).to_pylist()
        log.close()
        return found


@pytest.fixture
def database(tmp_path):
    return Database(tmp_path)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool.db", LIMIT)


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def made(database, registry):
    """Makes recorders, one after the other, whose counts are together."""
    metrics = RecorderMetrics(registry)

    def make(spool, settings=SETTINGS.log):
        return Recorder(spool, database.connect, lambda: NOW, settings, metrics)

    return make


@pytest.fixture
def recorder(spool, made):
    return made(spool)


def exchange(customers):
    raw = orjson.dumps(customers)
    options = BatchOptions()
    return Exchange(raw, answered_bytes(raw, NOW.lineup, ANSWERS, options, 10_000, "id").body, 1.0)


def packed(exchange):
    content = bytearray()
    pack(exchange, content)
    return content


def put(spool, customers, per_packet=50):
    for i in range(0, len(customers), per_packet):
        part = customers[i : i + per_packet]
        spool.put(packed(exchange(part)), len(part))


def settle(recorder):
    while recorder.turn():
        pass


def customers(rows, seed=1):
    return requests(some(rows, seed))


def test_what_is_in_the_spool_goes_into_the_database_and_leaves_the_spool(
    recorder, spool, database, registry
):
    given = customers(120)
    put(spool, given)

    settle(recorder)

    assert {one["customer_id"] for one in database.rows} == {one["customer_id"] for one in given}
    assert spool.rows == 0
    assert registry.get_sample_value("churn_log_rows_total") == 120
    assert registry.get_sample_value("churn_log_database_up") == 1


def test_while_the_database_is_away_all_waits_and_is_counted_for_drift(
    recorder, spool, database, registry
):
    database.is_there = False
    put(spool, customers(100))

    settle(recorder)
    asked = database.asked
    settle(recorder)

    assert spool.rows == 100
    assert registry.get_sample_value("churn_log_database_up") == 0
    assert registry.get_sample_value("churn_log_spool_rows") == 100
    assert registry.get_sample_value("churn_probability_count") == 100
    # Not asked again at once.
    assert database.asked == asked


def test_after_an_outage_every_prediction_is_there_once(spool, database, made, registry):
    database.is_there = False
    given = customers(100)
    put(spool, given)
    settle(made(spool))
    database.is_there = True

    # One that was killed after it had written and before it had removed anything.
    class Killed(Spool):
        def remove(self, numbers):
            raise KeyboardInterrupt

    dying = Killed(spool_path(spool), LIMIT)
    with pytest.raises(KeyboardInterrupt):
        settle(made(dying))
    settle(made(spool))

    found = [one["prediction_id"] for one in database.rows]
    assert len(found) == len({*found}) == len(given)
    # Counted once, too.
    assert registry.get_sample_value("churn_probability_count") == 100


def spool_path(spool):
    return next(
        row[2] for row in spool._connection.execute("PRAGMA database_list") if row[1] == "main"
    )


def test_what_the_database_refuses_holds_up_nothing(recorder, spool, database, registry):
    put(spool, customers(10), per_packet=10)
    odd = exchange(customers(1))
    answer = orjson.loads(odd.answered)
    answer["predictions"][0]["prediction_id"] = "no uuid"
    spool.put(packed(replace(odd, answered=orjson.dumps(answer))), 1)
    put(spool, customers(10, seed=2), per_packet=10)

    settle(recorder)

    assert len(database.rows) == 20
    assert spool.rows == 0
    lost = registry.get_sample_value("churn_log_rows_lost_total", {"reason": "rejected"})
    assert lost == 1
    with sqlite3.connect(spool_path(spool)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM rejected").fetchone() == (1,)
    connection.close()


def test_bins_are_there_as_0_and_give_the_drift_of_the_rows(recorder, spool, registry):
    recorder.turn()
    bins = MODEL.bundle.reference.bins
    shown = {
        (one.labels["feature"], one.labels["bin"])
        for family in registry.collect()
        for one in family.samples
        if one.name == "churn_feature_bin_total" and one.value == 0
    }
    assert shown == {(name, label) for name, one in bins.items() for label in one.labels}
    columns = some(600, 3)
    put(spool, requests(columns))

    settle(recorder)

    for name, one in bins.items():
        if name != "churn_probability":
            counted = [
                registry.get_sample_value(
                    "churn_feature_bin_total",
                    {"model_version": MODEL.version, "feature": name, "bin": label},
                )
                for label in one.labels
            ]
            expected = one.count(columns[name])
            assert counted == expected.tolist()
            assert psi(one.ratios, expected / 600) == psi(one.ratios, [c / 600 for c in counted])


def test_what_comes_between_counting_and_writing_is_counted_too(spool, database, made, registry):
    class Slow(Database):
        """Connects as slowly as it takes others to put something into the spool."""

        def connect(self):
            put(spool, customers(10))
            return Database.connect(self)

    database.connect = Slow.connect.__get__(database)

    late = made(spool)
    late.turn()
    settle(late)

    assert len(database.rows) == 10
    assert registry.get_sample_value("churn_probability_count") == 10


def test_an_outcome_is_recorded_for_a_prediction_that_is_still_in_the_spool(
    recorder, spool, database, registry
):
    [customer] = customers(1)
    put(spool, [customer])
    given = Feedback(customer["customer_id"], None, churned=True, observed_at=LATER)

    [first] = recorder.record([given])
    [again] = recorder.record([given])
    [nobody] = recorder.record([replace(given, customer_id="nobody")])

    assert (first.status, again.status, nobody.status) == ("recorded", "repeated", "unknown")
    assert [one["churned"] for one in database.rows] == [True]
    outcomes = [
        registry.get_sample_value(
            "churn_outcomes_total",
            {"model_version": MODEL.version, "predicted": predicted, "actual": "churn"},
        )
        for predicted in ("churn", "stay")
    ]
    assert sum(outcomes) == 1
    counts = {
        one: registry.get_sample_value("churn_feedback_rows_total", {"result": one})
        for one in ("recorded", "repeated", "unknown", "conflict")
    }
    assert counts == {"recorded": 1, "repeated": 1, "unknown": 1, "conflict": 0}


def test_outcomes_are_refused_while_the_database_is_away(recorder, database):
    database.is_there = False

    with pytest.raises(LogUnreachable, match="it is away"):
        recorder.record([Feedback("C1", None, churned=True, observed_at=LATER)])


def test_what_is_too_old_is_forgotten(spool, database, made):
    kept = SETTINGS.log.model_copy(update={"keep_days": 30})
    put(spool, customers(5))
    raw = exchange(customers(3, seed=2))
    answer = orjson.loads(raw.answered)
    for i, one in enumerate(answer["predictions"]):
        one["prediction_id"] = f"0180a0c0-0000-7000-8000-00000000000{i}"
        one["timestamp"] = "2022-05-08T00:00:00.000Z"
    spool.put(packed(replace(raw, answered=orjson.dumps(answer))), 3)
    settle(made(spool))
    assert len(database.rows) == 8

    made(spool, kept).turn()

    assert len(database.rows) == 5
