"""The demo's own server, and a caller of it."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from churn.errors import DemoLacksServer

CALLERS = 4
PATIENCE, POLL, SECONDS = 60.0, 0.1, 30.0
# Of the environment, what would have the server do something else.
OTHERS = ("HOST", "PORT", "METRICS_PORT", "MODEL", "CHURN_API_KEYS_FILE")


class Server:
    """A server that runs.

    Attributes:
        failed: what was answered instead of 200, request by request.
    """

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(CALLERS)
        self.failed: list[str] = []

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._asked("GET", "/ready", None)[0] == 200
        except (OSError, http.client.HTTPException):
            self._own.connection = None
            return False

    def predict(self, bodies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask about customers, half of them one by one and half in one batch, all at once.

        Returns:
            the answers; none for a customer whose request failed.
        """
        half = len(bodies) // 2
        if not bodies:
            return []
        batch = self._pool.submit(self._post, "/predict/batch", bodies[half:])
        singles = [one for one in self._pool.map(self._predict_one, bodies[:half]) if one]
        return [*singles, *(batch.result() or {"predictions": []})["predictions"]]

    def _predict_one(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        return self._post("/predict", body)

    def feedback(self, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Tell what became of customers."""
        answer = self._post("/feedback", outcomes)
        if answer and answer["recorded"] != len(outcomes):
            counts = {name: count for name, count in answer.items() if name != "results"}
            self.failed.append(f"of {len(outcomes)} outcomes were recorded: {counts}")

    def close(self) -> None:
        """Let the callers go."""
        self._pool.shutdown()

    def reload(self) -> str | None:
        """Have it take up the model anew; its version, None if it refuses."""
        answer = self._post("/admin/reload", {})
        return answer["model_version"] if answer else None

    def _post(self, path: str, content: object) -> dict[str, Any] | None:
        try:
            status, body = self._asked("POST", path, json.dumps(content).encode())
        except (OSError, http.client.HTTPException) as error:
            self._own.connection = None
            self.failed.append(f"{path}: {error!r}")
            return None
        if status != 200:
            self.failed.append(f"{path}: {status} {body[:300].decode('utf-8', 'replace')}")
            return None
        return json.loads(body)

    def _asked(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """Ask over the connection of this thread."""
        if getattr(self._own, "connection", None) is None:
            self._own.connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=SECONDS
            )
        self._own.connection.request(method, path, body, self._headers)
        answer = self._own.connection.getresponse()
        return answer.status, answer.read()


@contextmanager
def running(model: Path, folder: Path, url: str) -> Iterator[Server]:
    """Start a server, and end it.

    Args:
        model: folder of the bundle that it serves.
        folder: for its log and what it keeps.
        url: of the prediction log.
    Raises:
        DemoLacksServer: it does not come up.
    """
    port, key, log = _free_port(), secrets.token_urlsafe(), folder / "server.log"
    environment = {
        **{name: value for name, value in os.environ.items() if name not in OTHERS},
        "DATABASE_URL": url,
        "LOG_FOLDER": str(folder),
        "CHURN_API_KEYS": f"admin:{key}",
    }
    command = [sys.executable, "-m", "serve", "--model", str(model), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    server, end = Server(port, key), time.monotonic() + PATIENCE
    try:
        while not server.is_ready():
            if process.poll() is not None or time.monotonic() > end:
                lines = log.read_text("utf-8", "replace").strip().splitlines()
                raise DemoLacksServer(lines[-1] if lines else "")
            time.sleep(POLL)
        yield server
    finally:
        server.close()
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
