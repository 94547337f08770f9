"""A server's processes: started, accounted for from /proc, and stopped for certain."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Time to end in good order, seconds.
GRACE = 5
# A server is at rest when it takes less than this share of a core, over so many seconds.
IDLE, WINDOW, LONGEST_WAIT = 0.1, 0.5, 30


class Server:
    """A running server.

    Attributes:
        port: where it listens on 127.0.0.1.
        process: the one that was started; others may descend from it.
        began: `time.perf_counter()` when it was started.
    """

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.port = port
        self.process = process
        self.began = time.perf_counter()
        self._log = log

    def family(self) -> list[int]:
        """Ids of the process and all that descend from it."""
        return descendants(self.process.pid)

    def cpu_seconds(self) -> float:
        """User and system time so far, of every process and of its children that have ended."""
        ticks = (sum(map(int, fields[11:15])) for pid in self.family() if (fields := _fields(pid)))
        return sum(ticks) / TICKS

    def megabytes(self) -> float:
        """Memory of all processes together."""
        return megabytes(self.family())

    def settle(self) -> None:
        """Wait until the server is at rest.

        Raises:
            RuntimeError: it still works after `LONGEST_WAIT` seconds, or has ended.
        """
        for _ in range(int(LONGEST_WAIT / WINDOW)):
            before = self.cpu_seconds()
            time.sleep(WINDOW)
            self.must_run()
            if self.cpu_seconds() - before < IDLE * WINDOW:
                return
        raise RuntimeError(f"the server is still at work after {LONGEST_WAIT} s\n{self.said()}")

    def must_run(self) -> None:
        """Raise RuntimeError, with what it said, if the server has ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended with {self.process.returncode}\n{self.said()}")

    def said(self) -> str:
        """The end of what the server wrote to the terminal."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-3000:]

    def stop(self) -> None:
        """End every process: in good order if it can, in any case for certain."""
        family = self.family()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        # LitServe's workers, for one, outlive the process that started them.
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while any(map(_is_running, family)):
            time.sleep(0.01)


@contextmanager
def started(
    command: Sequence[str], port: int, environment: Mapping[str, str], log: Path
) -> Iterator[Server]:
    """A server for the time of a block, its output in `log`."""
    with log.open("w+b") as output:
        process = subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=output
        )
        server = Server(port, process, output)
        try:
            yield server
        finally:
            server.stop()


def descendants(pid: int) -> list[int]:
    """Ids of a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _fields(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def megabytes(pids: Iterable[int]) -> float:
    """Proportional set size of processes: a page that n processes share counts as 1/n."""
    return sum(map(_kilobytes, pids)) / 1000


def cores_at_work() -> float:
    """How many of the machine's cores are at work just now, whoever for."""
    before = _busy_ticks()
    time.sleep(WINDOW)
    return (_busy_ticks() - before) / TICKS / WINDOW


def _busy_ticks() -> int:
    user, nice, system, _idle, _wait, *interrupts = map(
        int, (PROC / "stat").read_text().splitlines()[0].split()[1:9]
    )
    return user + nice + system + sum(interrupts)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, from the state on; none if the process is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _is_running(pid: int) -> bool:
    """Whether there is such a process, other than one that only waits to be taken note of."""
    fields = _fields(pid)
    return bool(fields) and fields[0] != "Z"


def _kilobytes(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
