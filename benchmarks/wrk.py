"""wrk, the load generator: as many requests as the server takes (a closed loop)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_suffix(".lua")
# An answer that takes longer counts as an error, seconds.
TIMEOUT = 30


@dataclass(frozen=True)
class Closed:
    """What wrk measured.

    Attributes:
        requests: answered.
        seconds: that it took.
        errors: of connections and timeouts, and answers with a status from 400.
        p50, p95, p99: latency in milliseconds.
    """

    requests: int
    seconds: float
    errors: int
    p50: float
    p95: float
    p99: float


@contextmanager
def running(
    port: int, requests: Sequence[bytes], connections: int, seconds: int
) -> Iterator[subprocess.Popen[str]]:
    """wrk at work with one thread, cycling over whole HTTP requests."""
    with tempfile.NamedTemporaryFile() as file:
        file.writelines(b"%d\n%b" % (len(request), request) for request in requests)
        file.flush()
        plan = f"-t1 -c{connections} -d{seconds}s --timeout {TIMEOUT}s --latency -s {SCRIPT}"
        command = ["wrk", *plan.split(), f"http://127.0.0.1:{port}", "--", file.name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


def finished(process: subprocess.Popen[str]) -> Closed:
    """Its figures, once it has ended.

    Raises:
        RuntimeError: wrk failed.
    """
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"wrk ended with {process.returncode}: {output}")
    return Closed(**json.loads(output.splitlines()[-1]))


def closed(port: int, requests: Sequence[bytes], connections: int, seconds: int) -> Closed:
    """A whole run."""
    with running(port, requests, connections, seconds) as process:
        return finished(process)
