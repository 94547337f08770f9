"""Real Prometheus and Alertmanager on free ports, with the committed files, ended for certain."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from ruamel.yaml import YAML

from tests.checkout import ROOT
from tests.ports import free_port
from tests.waiting import until

DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus/rules"


def program(name: str) -> str:
    """Path of one of Debian's programs; skips where it is absent."""
    found = shutil.which(name)
    if found is None:
        pytest.skip("needs Debian's packages prometheus and prometheus-alertmanager")
    return found


def read_yaml(path: Path) -> Any:
    """Content of a YAML file."""
    return YAML(typ="safe").load(path)


def write_yaml(path: Path, content: Any) -> Path:
    """Write a YAML file; its path."""
    YAML(typ="safe").dump(content, path)
    return path


class Running:
    """A program that answers HTTP on a port of its own."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self._process, self._log = process, log
        self.url = f"http://127.0.0.1:{port}"

    def json(self, path: str, **query: str) -> Any:
        """What a GET answers."""
        answer = requests.get(f"{self.url}{path}", query, timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, content: Any) -> None:
        """POST plain data as JSON."""
        answer = requests.post(f"{self.url}{path}", json=content, timeout=20)
        assert answer.ok, answer.text

    def wait(self) -> None:
        """Wait until it says that it is ready."""
        until(self._ready, f"{self._process.args} is ready")

    def _ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        return False


class Prometheus(Running):
    """A Prometheus and its queries."""

    def query(self, expression: str) -> list[Any]:
        """Samples now: a list of `{"metric": labels, "value": [time, text]}`."""
        return self.json("/api/v1/query", query=expression)["data"]["result"]

    def value(self, expression: str) -> float | None:
        """The one sample now, or None."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        found = self.query('ALERTS{alertstate="firing"}')
        return {one["metric"]["alertname"] for one in found}


@contextmanager
def prometheus(
    folder: Path,
    targets: Sequence[str],
    alertmanager: str = "127.0.0.1:9",
    every: str = "500ms",
) -> Iterator[Prometheus]:
    """Prometheus with a copy of the committed files that scrapes and evaluates all the time.

    Args:
        folder: for the copy and the data.
        targets: `host:port` of the servers.
        alertmanager: `host:port`; port 9 is nobody.
        every: interval of both.
    """
    config = read_yaml(DEPLOY / "prometheus/prometheus.yml")
    config["global"].update(scrape_interval=every, scrape_timeout=every, evaluation_interval=every)
    # Nobody runs a dispatcher here.
    config["scrape_configs"] = [
        {**config["scrape_configs"][0], "static_configs": [{"targets": list(targets)}]}
    ]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [alertmanager]}]
    (folder / "rules").mkdir(parents=True)
    for path in RULES.glob("*.yml"):
        content = read_yaml(path)
        for group in content["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule.pop("for", None)
        write_yaml(folder / "rules" / path.name, content)
    path = write_yaml(folder / "prometheus.yml", config)
    arguments = [f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}"]
    # An alert that fires before Alertmanager is found is otherwise sent again a minute later.
    arguments += ["--rules.alert.resend-delay=1s", "--log.level=warn"]
    with _started("prometheus", arguments, folder) as (process, port, log):
        running = Prometheus(process, port, log)
        running.wait()
        yield running


@contextmanager
def alertmanager(folder: Path, config: Path) -> Iterator[Running]:
    """Alertmanager with a configuration."""
    arguments = [f"--config.file={config}", f"--storage.path={folder / 'data'}"]
    alone = ["--data.retention=240h", "--cluster.listen-address=", "--log.level=warn"]
    with _started("prometheus-alertmanager", [*arguments, *alone], folder) as (process, port, log):
        running = Running(process, port, log)
        running.wait()
        yield running


@contextmanager
def _started(
    name: str, arguments: Sequence[str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    path, port, log = program(name), free_port(), folder / "log"
    command = [path, *arguments, f"--web.listen-address=127.0.0.1:{port}"]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        yield process, port, log
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # its data are thrown away
        process.wait()
