"""`make bench-image`: how soon the container answers and ends, and what it takes, on this machine.

The image is the one that `IMAGE_UNDER_TEST` names, or is built. It runs locked down, as README.md
has it; a figure is the median of the rounds. Writes reports/bench/image.json.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import re
import secrets
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.medians import median
from churn.errors import ChurnError
from churn.files import write_json
from commands.image import engine
from commands.image.build import under_test
from commands.image.size import MEGABYTE, parts, total

RESULT = Path("reports/bench/image.json")
LOCKED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp")
POLL, LONGEST = 0.01, 60.0
# What has been started needs a moment until it rests; clients are as many as answer at once.
REST_SECONDS, LOAD_SECONDS, CLIENTS = 10, 2, 4
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class Client:
    """Asks one container.

    Args:
        port: of the container on this machine.
        key: that lets it in.
    """

    def __init__(self, port: int, key: str) -> None:
        self._port, self._headers = port, {"X-API-Key": key, "Content-Type": "application/json"}
        self.body = b""

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The answer.

        Raises:
            OSError: there was none.
            RuntimeError: it was another than 200.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=LONGEST)
        try:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(f"{path}: {answer.status} {content.decode()}")
            return content
        finally:
            connection.close()

    def predict(self) -> None:
        """One prediction."""
        self.ask("POST", "/predict", self.body)

    def wait(self) -> None:
        """Wait until it answers a prediction: of the customer that its own page shows."""
        end = time.monotonic() + LONGEST
        while True:
            try:
                known = json.loads(self.ask("GET", "/openapi.json"))
                sample = known["components"]["schemas"]["Customer"]["examples"][0]
                self.body = json.dumps(sample).encode()
                return self.predict()
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end:
                    raise
                time.sleep(POLL)


def figures(image: str) -> dict[str, float]:
    """One round: start, rest, load, stop."""
    key, volume = secrets.token_urlsafe(), engine.docker("volume", "create")
    place = f"--volume={volume}:/var/lib/churn"
    told = [*LOCKED, place, f"--env=CHURN_API_KEYS={key}", "--publish=127.0.0.1::8000"]
    begun = time.monotonic()
    container = engine.docker("run", "--detach", *told, image)
    try:
        port = int(engine.docker("port", container, "8000").rpartition(":")[2])
        client = Client(port, key)
        client.wait()
        started = time.monotonic() - begun
        time.sleep(REST_SECONDS)
        megabytes = memory(container)
        stopped = stop(container, client)
    finally:
        engine.docker("rm", "--force", container)
        engine.docker("volume", "rm", volume)
    return {"start_seconds": started, "stop_seconds": stopped, "megabytes_at_rest": megabytes}


def memory(container: str) -> float:
    """Megabytes that the engine counts."""
    said = engine.docker("stats", "--no-stream", "--format={{.MemUsage}}", container)
    found = re.match(r"([\d.]+)(\w+)", said)
    if not found:
        raise RuntimeError(f"docker stats says {said!r}")
    return float(found[1]) * UNITS[found[2]] / MEGABYTE


def stop(container: str, client: Client) -> float:
    """Seconds that docker stop takes while clients ask one thing after the other.

    Raises:
        RuntimeError: it was killed.
    """

    def ask() -> None:
        # Until it is gone; the tests see to it that no answer is cut off.
        with contextlib.suppress(OSError, http.client.HTTPException, RuntimeError):
            while True:
                client.predict()

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for one in threads:
        one.start()
    time.sleep(LOAD_SECONDS)
    begun = time.monotonic()
    engine.docker("stop", "--time=5", container)
    took = time.monotonic() - begun
    for one in threads:
        one.join()
    code = engine.docker("inspect", "--format={{.State.ExitCode}}", container)
    if code != "0":
        raise RuntimeError(f"docker stop: exit code {code}")
    return took


def measured(image: str, rounds: int) -> dict[str, Any]:
    """All of it."""
    found = parts(image)
    on_disk, compressed = total(found)
    return {
        "settings": {"rounds": rounds, "clients": CLIENTS},
        "on_disk_megabytes": round(on_disk, 1),
        "compressed_megabytes": round(compressed, 1),
        "container": {
            name: round(value, 2)
            for name, value in median([figures(image) for _ in range(rounds)]).items()
        },
        "parts": {
            name: [round(one.raw / MEGABYTE, 1), round(one.compressed / MEGABYTE, 1)]
            for name, one in found.items()
        },
    }


def main() -> None:
    """Measure, write, print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    try:
        result = measured(under_test(os.environ), arguments.parse_args().rounds)
    except ChurnError as error:
        sys.exit(f"error: {error}")
    write_json(RESULT, result)
    print(json.dumps({**result, "parts": None}, indent=1))


if __name__ == "__main__":
    main()
