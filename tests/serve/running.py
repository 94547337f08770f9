"""A real server in a process group of its own, and what tests do with it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.checkout import ROOT
from tests.ports import free_port, is_free
from tests.waiting import PATIENCE, until

# As shipped, whatever a team has made of its own conf/serve.
SETTINGS: dict[str, Any] = {
    "processes": 2,
    "max_batch": 10000,
    "max_in_flight": 2000,
    "requests_per_second": None,
    "deadline": 30,
    "cors_origins": [],
    "log_requests": False,
    "risk": {"medium": 0.3, "high": 0.7},
    "recommendation": {
        "low": "Continue normal engagement",
        "medium": "Send retention offer",
        "high": "Urgent: Personal outreach needed",
    },
    "challenger": {"model": None, "mode": "shadow", "share": 0.1, "salt": "challenger"},
    "log": {"enabled": True, "flush_ms": 200, "keep_days": 400, "spool_mb": 64},
}
OURS = (
    *("CHURN_API_KEYS", "CHURN_API_KEYS_FILE", "MODEL", "HOST", "PORT", "METRICS_PORT", "TMPDIR"),
    *("DATABASE_URL", "LOG_FOLDER"),
)


@dataclass(frozen=True)
class Reply:
    """What a request got; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class Address:
    """Where a server is to be asked, and the headers of every request to it."""

    def __init__(self, port: int, **headers: str) -> None:
        self.port = port
        self.headers = _named(headers)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        seconds: float = 20,
    ) -> Reply:
        """Send one request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            return asked(connection, method, path, body, {**self.headers, **(headers or {})})
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        """GET; an underscore in the name of a header stands for a hyphen."""
        return self.ask("GET", path, headers=_named(headers))

    def post(self, path: str, content: Any, **headers: str) -> Reply:
        """POST plain data as JSON, or bytes as they are."""
        return self.ask("POST", path, _encoded(content), _named(headers))

    def metric(self, name: str) -> float:
        """Sum of the samples whose name and labels begin like this."""
        lines = self.get("/metrics").body.decode().splitlines()
        return sum(float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(name))


class Settled:
    """How a server is to be started: its folder with params.yaml, its arguments and environment."""

    def __init__(
        self,
        folder: Path,
        model: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        content = YAML(typ="safe").load(ROOT / "params.yaml")
        content["serve"] = {**SETTINGS, **settings}
        folder.mkdir(exist_ok=True)
        YAML().dump(content, folder / "params.yaml")
        own = {name: value for name, value in os.environ.items() if name not in OURS}
        self.folder = folder
        self.port = free_port()
        self.command = [sys.executable, "-m", "serve", "--port", str(self.port), *arguments]
        self.environment = {
            **own,
            "PYTHONPATH": str(ROOT),
            "MODEL": str(model),
            **(environment or {}),
        }

    def refused(self, **how: Any) -> subprocess.CompletedProcess[str]:
        """Start a server that should end by itself, and see how."""
        return subprocess.run(
            self.command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            **{"stderr": subprocess.PIPE, **how},
            text=True,
            timeout=PATIENCE,
            check=False,
        )


class Running(Address):
    """A server that answers.

    Args:
        settled: how to start it.
        stderr: where its log goes; a file in its folder unless told.
    """

    def __init__(self, settled: Settled, stderr: Path | None = None) -> None:
        super().__init__(settled.port)
        self.folder = settled.folder
        self._settled = settled
        self._log = stderr or self.folder / "log"
        self._start()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._settled.command,
                cwd=self.folder,
                env=self._settled.environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid
        try:
            until(self.is_ready, "ready")
        except BaseException:
            self.end()
            raise

    def restart(self) -> None:
        """End it in good order, and start it again on its port."""
        self.end()
        self._start()

    def is_ready(self) -> bool:
        """Whether `/ready` says so, if the server is there."""
        assert self._process.poll() is None, f"ended with {self._process.returncode}: {self.log()}"
        try:
            return self.get("/ready").status in (200, 404)
        except (OSError, http.client.HTTPException):
            return False

    def processes(self) -> dict[int, str]:
        """All processes of the server, the main one too: their command lines by process id."""
        above: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            above.setdefault(parent, []).append(int(stat.parent.name))
        found, left = {}, [self.pid]
        while left:
            pid = left.pop()
            left += above.get(pid, [])
            if line := command_line(pid):
                found[pid] = line
        return found

    def apis(self) -> list[int]:
        """The processes that answer requests: forked, and in an event loop."""
        forked = [pid for pid, line in self.processes().items() if "-m serve" in line]
        return [pid for pid in forked if pid != self.pid and _has_event_loop(pid)]

    def worker(self) -> int:
        """The process of LitServe that scores large batches: a new interpreter."""
        lines = self.processes().items()
        return max((pid for pid, line in lines if "spawn_main" in line), default=0)

    def memory(self) -> int:
        """Bytes of all its processes, shared ones divided among those who share them (PSS)."""
        kilobytes = 0
        for pid in self.processes():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            kilobytes += int(rollup.partition("\nPss:")[2].split()[0])
        return kilobytes * 1024

    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text("utf-8") if self._log.is_file() else ""

    def lines(self, **like: Any) -> list[dict[str, Any]]:
        """Lines of its log that are complete and have these values."""
        complete = self.log().rpartition("\n")[0].splitlines()
        return [
            one
            for one in map(json.loads, complete)
            if all(one.get(k) == v for k, v in like.items())
        ]

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to the main process."""
        self._process.send_signal(which)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end; its exit status."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """Kill all its processes at once."""
        os.killpg(self.pid, signal.SIGKILL)
        self.wait()
        until(lambda: is_free(self.port), "the last of them has gone")

    def end(self) -> None:
        """End it, in good order if it can."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def asked(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send one request over a connection that may be used again."""
    has_kind = body is None or "content-type" in map(str.lower, headers or {})
    kind = {} if has_kind else {"Content-Type": "application/json"}
    connection.request(method, path, body=body, headers={**kind, **(headers or {})})
    answer = connection.getresponse()
    named = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, named, answer.read())


def command_line(pid: int) -> str:
    """Of a process; nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def _has_event_loop(pid: int) -> bool:
    links = []
    for link in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            links.append(str(link.readlink()))
    return "anon_inode:[eventpoll]" in links


def _encoded(content: Any) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
