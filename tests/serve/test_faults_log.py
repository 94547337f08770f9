"""What the prediction log survives: a database that is away for a minute, a full disk."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from benchmarks.load import Steady, steady
from tests.postgres import Postgres
from tests.serve.conftest import Customers, Model, Serving
from tests.serve.running import Running
from tests.serve.test_api import SHORT
from tests.serve.test_log import logged
from tests.waiting import until

pytestmark = pytest.mark.faults
RATE, AROUND, AWAY = 200, 5, 60


def request(number: int) -> bytes:
    """One customer, whose id is the number."""
    body = json.dumps({**SHORT, "customer_id": f"N{number}"}).encode()
    head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_a_database_that_is_away_for_a_minute_costs_no_prediction(
    serving: Serving, telco: Model, own_postgres: Postgres, record_property
):
    url = own_postgres.new_database()
    server = serving(telco, environment={"DATABASE_URL": url})
    server.post("/predict", {**SHORT, "customer_id": "first"})
    until(lambda: server.metric("churn_log_rows_total") == 1, "the first row")
    sent = RATE * (AWAY + 2 * AROUND)
    found: list[Steady] = []
    requests = [request(i) for i in range(sent)]

    def load() -> None:
        found.append(steady(("127.0.0.1", server.port), requests, RATE, AWAY + 2 * AROUND))

    clients = threading.Thread(target=load)
    clients.start()
    time.sleep(AROUND)
    own_postgres.stop()
    time.sleep(AWAY)
    most = server.metric("churn_log_spool_rows")
    own_postgres.start()
    clients.join()
    until(lambda: server.metric("churn_log_rows_total") >= sent + 1, "every row in the database")

    [result] = found
    assert (result.failed, result.unanswered, len(result.latencies)) == (0, 0, sent)
    assert most >= RATE * AWAY * 0.9
    ids = [one["customer_id"] for one in logged(url)]
    assert len(ids) == sent + 1
    assert {*ids} == {"first", *(f"N{i}" for i in range(sent))}
    assert server.metric("churn_log_rows_lost_total") == 0
    record_property("rows that waited", most)
    record_property("p99 ms", result.percentile(99) * 1000)


def test_a_full_disk_costs_no_prediction_and_what_is_lost_is_counted(
    serving: Serving, telco: Model, customers: Customers, disk: Path
):
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    environment = {"DATABASE_URL": nowhere, "LOG_FOLDER": str(disk)}
    server = serving(telco, environment=environment, processes=1)
    batch = json.dumps(customers.some(10_000).requests).encode()

    statuses = {server.post("/predict/batch", batch).status for _ in range(10)}
    lost = until(lambda: lost_rows(server), "rows that were lost")
    statuses |= {server.post("/predict", SHORT).status for _ in range(20)}

    assert statuses == {200}
    assert lost % 10_000 == 0


def lost_rows(server: Running) -> float:
    """On the disk that is full."""
    return server.metric('churn_log_rows_lost_total{reason="disk"}')
