"""A real dispatcher, a stand-in for GitHub, and what Alertmanager says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event
from typing import Any

from tests.checkout import ROOT
from tests.listening import listening
from tests.ports import free_port
from tests.serve.running import Address, Reply
from tests.waiting import until

TOKEN, GITHUB_TOKEN = "alertmanagers-own-token", "github_pat_0123456789"
REPOSITORY = "acme/churn"
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Asked:
    """A request that GitHub got."""

    path: str
    headers: Mapping[str, str]
    content: Any

    @property
    def payload(self) -> Any:
        """What the workflow is told."""
        return self.content["client_payload"]


class GitHub:
    """Keeps what is posted.

    Attributes:
        asked: every request.
        answers: statuses to give, by model version, the first first; 204 when there are no more.
        goes_on: an answer waits for it.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, list[int]] = {}
        self.goes_on = Event()
        self.goes_on.set()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                one = Asked(self.path, dict(self.headers), content)
                stand_in.asked.append(one)
                assert stand_in.goes_on.wait(60)
                left = stand_in.answers.get(one.payload["model_version"])
                self.send_response(left.pop(0) if left else 204)
                self.send_header("Location", f"{stand_in.url}/elsewhere")
                self.end_headers()
                if left is not None:
                    self.wfile.write(b'{"message": "as the\\u0007 test says"}')

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        """Of its API."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def of(self, version: str) -> list[Asked]:
        """The requests about a model."""
        return [one for one in self.asked if one.payload["model_version"] == version]


@contextmanager
def github() -> Iterator[GitHub]:
    """A stand-in that listens."""
    stand_in = GitHub()
    with listening(stand_in.http):
        try:
            yield stand_in
        finally:
            stand_in.goes_on.set()


def secret(path: Path, text: str) -> Path:
    """A file with a secret, for its owner alone."""
    path.touch(mode=0o600)
    path.write_text(f"{text}\n")
    return path


class Dispatcher(Address):
    """A dispatcher that answers.

    Args:
        folder: for its secrets, its state and its log.
        github_url: of GitHub's API.
    """

    def __init__(self, folder: Path, github_url: str) -> None:
        super().__init__(free_port())
        self.folder, self.state = folder, folder / "episodes.json"
        self.token = secret(folder / "token", TOKEN)
        self.github_token = secret(folder / "github_token", GITHUB_TOKEN)
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": github_url,
            "GITHUB_TOKEN_FILE": str(self.github_token),
            "DISPATCHER_TOKEN_FILE": str(self.token),
            "DISPATCHER_STATE": str(self.state),
            "PORT": str(self.port),
        }
        self.start()

    def start(self) -> None:
        """Start it; it goes on with its state and its log."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.dispatcher"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._is_healthy, "the dispatcher answers")

    def _is_healthy(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return self.get("/health").status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """Kill it, without a word."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Tell it to stop; its exit status."""
        self.process.terminate()
        return self.process.wait(60)

    def log(self) -> str:
        """What it has written so far."""
        return (self.folder / "log").read_text("utf-8")

    def counted(self, result: str) -> float:
        """Notifications with a result."""
        return self.metric(f'churn_alarms_total{{result="{result}"}}')

    def told(self, content: Any, token: str = TOKEN) -> Reply:
        """What a notification gets."""
        return self.post("/alerts", content, Authorization=f"Bearer {token}")


def alert(
    minutes_ago: float = 0.0, status: str = "firing", name: str = "DriftAlarm", **labels: str
) -> dict[str, Any]:
    """An alert in a notification."""
    started = NOW - timedelta(minutes=minutes_ago)
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", "service": "churn", **labels},
        "annotations": {"summary": "…"},
        "startsAt": started.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=1&g0.tab=1",
        "fingerprint": "0123456789abcdef",
    }


def notification(version: str, *alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What Alertmanager posts of a model."""
    given = alerts or (alert(feature="age"),)
    fires = any(one["status"] == "firing" for one in given)
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing" if fires else "resolved",
        "receiver": "dispatcher",
        "groupLabels": {"service": "churn", "model_version": version},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(given),
        **more,
    }
