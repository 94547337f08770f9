"""The prediction log of real servers: what was answered is in the database, once and as it was."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churn.drift import psi
from churn.errors import ChurnError
from churn.prediction_log import PredictionLog
from churn.reference import CategoryBins
from tests.postgres import Postgres
from tests.serve.conftest import Customers, Model, Serving
from tests.serve.load import load
from tests.serve.running import Running, Settled
from tests.serve.test_api import SHORT
from tests.waiting import until

YEAR = timedelta(days=365)
FLUSH_SECONDS = 0.2


def logged(url: str) -> list[dict[str, Any]]:
    """All predictions with their outcomes; none while there is no such table."""
    try:
        log = PredictionLog.open(url)
    except ChurnError:
        return []
    now = datetime.now(UTC)
    found = log.read(now - YEAR, now + YEAR).to_pylist()
    log.close()
    return found


def file_of(server: Running) -> str:
    """Address of the SQLite file that a server uses where nothing else is said."""
    return f"sqlite:///{server.folder}/predictions/log.db"


def all_of(url: str, count: int) -> list[dict[str, Any]]:
    """Wait until so many predictions are there."""
    return until(lambda: found if len(found := logged(url)) >= count else None, f"{count} rows")


def observed(**about: Any) -> dict[str, Any]:
    moment = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    return {"churned": True, "observed_at": moment, **about}


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest) -> Callable[[Running], str] | str:
    """Of the log: of a server's own file, or of an empty PostgreSQL database."""
    if request.param == "sqlite":
        return file_of
    new_database: Callable[[], str] = request.getfixturevalue("new_database")
    return new_database()


def test_every_answer_is_logged_as_it_was_given(
    serving: Serving, telco: Model, customers: Customers, address: Any
):
    environment = {} if callable(address) else {"DATABASE_URL": address}
    server = serving(telco, environment=environment)
    single = customers.some(30).requests
    batch = [{**one, "customer_id": f"B{i}"} for i, one in enumerate(customers.some(20).requests)]

    answers = [server.post("/predict", one).json for one in single]
    answers += server.post("/predict/batch", batch).json["predictions"]
    assert server.post("/predict", {**SHORT, "age": 300}).status == 422

    url = address(server) if callable(address) else address
    rows = {one["prediction_id"]: one for one in all_of(url, 50)}
    assert len(rows) == 50
    for asked, answer in zip([*single, *batch], answers, strict=True):
        row = rows[answer["prediction_id"]]
        values = {k: v for k, v in asked.items() if k != "customer_id" and v is not None}
        assert json.loads(row["values"]) == values
        assert row["probability"] == answer["churn_probability"]
        for name in ("customer_id", "will_churn", "risk_level", "model_version"):
            assert row[name] == answer[name]
        assert row["predicted_at"] == datetime.fromisoformat(answer["timestamp"])
        assert row["latency_ms"] > 0
    # The tables were made on the way, which is nobody's news.
    assert "alembic" not in server.log()


def test_outcomes_are_recorded_item_by_item_and_repeats_change_nothing(
    serving: Serving, telco: Model
):
    server = serving(telco)
    first = server.post("/predict", {**SHORT, "customer_id": "A"}).json
    second = server.post("/predict", {**SHORT, "customer_id": "B"}).json
    given = [
        observed(customer_id="A"),
        observed(prediction_id=second["prediction_id"], churned=False),
        observed(customer_id="nobody"),
    ]

    found = server.post("/feedback", given)
    again = server.post("/feedback", given)
    other = server.post("/feedback", {**given[0], "churned": False})

    assert found.status == 200
    assert [one["status"] for one in found.json["results"]] == ["recorded", "recorded", "unknown"]
    assert found.json["results"][0]["prediction_id"] == first["prediction_id"]
    assert (found.json["recorded"], found.json["unknown"]) == (2, 1)
    assert [one["status"] for one in again.json["results"]] == ["repeated", "repeated", "unknown"]
    assert other.json["conflict"] == 1
    rows = {one["customer_id"]: one["churned"] for one in logged(file_of(server))}
    assert rows == {"A": True, "B": False}
    assert server.metric("churn_outcomes_total") == 2
    assert server.metric('churn_feedback_rows_total{result="unknown"}') == 2


def test_bad_outcomes_are_refused_whole(serving: Serving, telco: Model):
    server = serving(telco, processes=1)
    server.post("/predict", {**SHORT, "customer_id": "A"})

    found = server.post("/feedback", [observed(customer_id="A"), {"customer_id": "A"}])

    assert found.status == 422
    assert {one["index"] for one in found.json["problems"]} == {1}
    assert [one["churned"] for one in all_of(file_of(server), 1)] == [None]


def test_while_the_database_is_away_predictions_go_on_and_outcomes_are_to_be_sent_again(
    serving: Serving, telco: Model, own_postgres: Postgres
):
    url = own_postgres.new_database()
    server = serving(telco, environment={"DATABASE_URL": url})
    server.post("/predict", SHORT)
    until(lambda: server.metric("churn_log_rows_total") == 1, "the first row")
    own_postgres.stop()

    statuses = {server.post("/predict", SHORT).status for _ in range(50)}
    refused = server.post("/feedback", observed(customer_id="CUST001"))
    until(lambda: server.metric("churn_log_spool_rows") == 50, "50 rows in the spool")
    down = server.metric("churn_log_database_up")
    own_postgres.start()

    assert statuses == {200}
    assert (refused.status, refused.json["error"]) == (503, "log_away")
    assert refused.headers["retry-after"] == "5"
    assert down == 0
    assert len(all_of(url, 51)) == 51
    until(lambda: server.metric("churn_log_spool_rows") == 0, "an empty spool")


def test_beyond_the_spools_limit_predictions_go_on_and_the_loss_is_counted(
    serving: Serving, telco: Model, customers: Customers
):
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}
    log = {"enabled": True, "flush_ms": 50, "keep_days": 1, "spool_mb": 1}
    server = serving(telco, environment=nowhere, log=log, processes=1)
    batch = customers.some(2000).requests

    statuses = {server.post("/predict/batch", batch).status for _ in range(3)}
    until(lambda: server.metric("churn_log_queue_rows") > 0, "rows that do not fit")
    server.signal(signal.SIGTERM)

    assert statuses == {200}
    assert server.wait() == 0


def test_with_sigterm_every_answer_is_there(serving: Serving, telco: Model):
    server = serving(telco)
    with load(
        server.port, lambda i: ("/predict", json.dumps({**SHORT, "customer_id": f"C{i}"}))
    ) as found:
        found.wait_for(300)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0

    answered = {one.reply.json["prediction_id"] for one in found.found if one.reply}
    assert len(answered) >= 300
    # What a busy machine gave no time to write is in the spool, for the next start.
    server.restart()
    kept = lambda: answered <= {one["prediction_id"] for one in logged(file_of(server))}  # noqa: E731
    until(kept, "every answer is there")


def test_with_sigkill_every_answer_is_there_but_the_last_moments(telco: Model, tmp_path: Path):
    settled = Settled(tmp_path / "server", telco.folder)
    server = Running(settled)
    with load(
        server.port, lambda i: ("/predict", json.dumps({**SHORT, "customer_id": f"C{i}"}))
    ) as found:
        found.wait_for(500)
        killed = time.monotonic()
        server.kill()

    server = Running(settled)
    answered = [one for one in found.found if one.reply]
    before = {
        one.reply.json["prediction_id"]
        for one in answered
        if one.sent + one.seconds < killed - FLUSH_SECONDS
    }
    rows = all_of(file_of(server), len(before))
    server.end()

    ids = [one["prediction_id"] for one in rows]
    assert before <= {*ids}
    assert len(ids) == len({*ids})


def test_the_recorder_is_killed_and_another_takes_its_place(serving: Serving, telco: Model):
    server = serving(telco)
    server.post("/predict", SHORT)
    all_of(file_of(server), 1)

    os.kill(recorder(server), signal.SIGKILL)
    told = server.post("/feedback", observed(customer_id="CUST001"))
    statuses = {server.post("/predict", SHORT).status for _ in range(20)}

    assert told.json["recorded"] == 1
    assert statuses == {200}
    assert len(all_of(file_of(server), 21)) == 21


def recorder(server: Running) -> int:
    """The process that holds the database's file open."""
    for pid in server.processes():
        links = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.exists()]
        if any(one.endswith("/log.db") for one in links):
            return pid
    raise AssertionError("no process has the database open")


def test_the_metrics_hold_what_drift_is_made_of(
    serving: Serving, telco: Model, customers: Customers
):
    server = serving(telco)
    given = customers.some(600)
    server.post("/predict/batch", given.requests[:300])
    for one in given.requests[300:]:
        server.post("/predict", one)
    until(lambda: server.metric("churn_probability_count") == 600, "600 customers counted")

    scraped = samples(server, "churn_feature_bin_total")
    ratios = samples(server, "churn_feature_reference_ratio")

    bins = telco.scorer.bundle.reference.bins
    assert scraped.keys() == ratios.keys() == {(n, b) for n, o in bins.items() for b in o.labels}
    columns = {**given.columns, "churn_probability": telco.scorer.probabilities(given.columns)}
    for name, one in bins.items():
        counts = one.count(columns[name])
        assert [scraped[name, label] for label in one.labels] == counts.tolist()
        shares = [scraped[name, label] / 600 for label in one.labels]
        expected = psi(one.ratios, counts / 600)
        assert psi([ratios[name, label] for label in one.labels], shares) == expected
    assert any(isinstance(one, CategoryBins) for one in bins.values())


def samples(server: Running, name: str) -> dict[tuple[str, str], float]:
    """By feature and bin."""
    from prometheus_client.parser import text_string_to_metric_families

    text = server.get("/metrics").body.decode()
    return {
        (one.labels["feature"], one.labels["bin"]): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == name
    }


def test_without_a_log_nothing_is_kept_and_outcomes_are_not_taken(serving: Serving, telco: Model):
    log = {"enabled": False, "flush_ms": 50, "keep_days": 1, "spool_mb": 1}
    server = serving(telco, log=log, processes=1)

    assert server.post("/predict", SHORT).status == 200
    assert server.post("/feedback", observed(customer_id="CUST001")).status == 404
    assert "/feedback" not in server.get("/openapi.json").json["paths"]
    assert not (server.folder / "predictions").exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: mysql is not supported"),
        ({"LOG_FOLDER": "/proc/nowhere"}, "give --log-folder (or LOG_FOLDER) another place"),
    ],
)
def test_a_log_that_cannot_be_kept_is_told_at_the_start(
    settled: Callable[..., Settled], telco: Model, environment: dict[str, str], said: str
):
    done = settled(telco.folder, environment=environment).refused()

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
