"""The container's end, in good order and without it: answers are complete, and nothing is lost."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.image.conftest import Inside, Running
from tests.image.contained import KEY, Contained
from tests.ports import free_port
from tests.postgres import Postgres
from tests.serve.raw import answered
from tests.waiting import until

pytestmark = pytest.mark.image

NOWHERE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"}


class Begun:
    """A request of which half has been sent."""

    def __init__(self, server: Contained, path: str, content: Any) -> None:
        body = json.dumps(content).encode()
        self._left = body[len(body) // 2 :]
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        self._connection.putrequest("POST", path)
        headers = {"Content-Type": "application/json", "Content-Length": len(body)}
        for name, value in {**headers, "X-API-Key": KEY}.items():
            self._connection.putheader(name, str(value))
        self._connection.endheaders(body[: len(body) // 2])

    def finish(self) -> tuple[int, Any]:
        """Send the rest; the answer's status and content."""
        try:
            self._connection.send(self._left)
            answer = self._connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            self._connection.close()


def idle(server: Contained) -> socket.socket:
    """A connection that has had an answer and might ask again."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answered(connection).status == 200
    return connection


def test_docker_stop_lets_requests_end(running: Running, inside: Inside):
    server = running()
    single, batch = inside.requests[0], inside.requests
    begun = [Begun(server, "/predict", single) for _ in range(5)]
    begun += [Begun(server, "/predict/batch", batch) for _ in range(3)]
    codes: list[int] = []

    with closing(idle(server)) as connection:
        stopping = threading.Thread(target=lambda: codes.append(server.stop()))
        stopping.start()
        # Connections that wait for nothing are closed first.
        assert connection.recv(1) == b""
    answers = [one.finish() for one in begun]
    stopping.join()

    assert [status for status, _ in answers] == [200] * len(begun)
    bodies = [body for _, body in answers]
    assert all("prediction_id" in one for one in bodies[:5])
    assert {len(one["predictions"]) for one in bodies[5:]} == {len(batch)}
    # 137 if docker had to kill it.
    assert codes == [0]
    assert "Traceback" not in server.log()


def recorded(server: Contained, ids: list[str]) -> int:
    """Of how many predictions, which the log must have for that, outcomes are recorded."""
    given = {"churned": True, "observed_at": datetime.now(UTC).isoformat()}
    told = server.post("/feedback", [{"prediction_id": one, **given} for one in ids])
    assert told.status == 200, told.body
    return int(told.json["recorded"])


def test_what_the_database_had_no_part_of_is_kept_in_the_volume(running: Running, inside: Inside):
    server = running(environment=NOWHERE)
    answers = [server.post("/predict", inside.requests[0]) for _ in range(20)]
    ids = [one.json["prediction_id"] for one in answers]
    until(lambda: server.metric("churn_log_spool_rows") == 20, "the spool has them")
    server.kill()

    # Another container, with a database.
    other = running()

    until(lambda: other.metric("churn_log_spool_rows") == 0, "an empty spool")
    assert recorded(other, ids) == 20


def test_postgresql_takes_the_log(running: Running, inside: Inside, own_postgres: Postgres):
    port = free_port()
    server = running(
        "--network=host",
        environment={"DATABASE_URL": own_postgres.new_database(), "PORT": str(port)},
        port=port,
    )

    answer = server.post("/predict", inside.requests[0])

    assert recorded(server, [answer.json["prediction_id"]]) == 1
    assert server.stop() == 0
