"""What the server survives, its own processes' deaths first: real processes under load.

Bounds on time are what is promised here, so they are asserted: `make test-faults`, on a machine
with nothing else to do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.serve.conftest import Customers, Model, Serving
from tests.serve.load import Load, load
from tests.serve.running import Running, command_line
from tests.serve.test_access import ADMIN, KEYS
from tests.serve.test_api import SHORT
from tests.waiting import until

pytestmark = pytest.mark.faults
ERROR_SECONDS, WELL_SECONDS = 2.0, 5.0
ONE = json.dumps(SHORT).encode()


@pytest.fixture(scope="session")
def large(customers: Customers) -> bytes:
    """A batch that goes to LitServe's worker."""
    return json.dumps(customers.some(10_000).requests).encode()


def in_flight(found: Load, at: float) -> list:
    """Requests that were sent before, and had no answer yet."""
    return [one for one in found.found if one.sent < at < one.sent + one.seconds]


def late(found: Load, at: float) -> float:
    """Seconds that the last of those in flight took from then on."""
    return max(one.sent + one.seconds - at for one in in_flight(found, at))


def test_the_scoring_process_is_killed(
    serving: Serving, telco: Model, large: bytes, record_property
):
    server = serving(telco, deadline=30)
    killed = server.worker()

    with (
        load(server.port, lambda _: ("/predict/batch", large)) as batches,
        load(server.port, lambda _: ("/predict", ONE), clients=2) as single,
    ):
        batches.wait_for(8)
        at = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        until(lambda: 503 in batches.statuses(at), "refused", ERROR_SECONDS)
        until(lambda: 200 in batches.statuses(at + 0.5), "scored again", WELL_SECONDS)
        well = time.monotonic() - at
        batches.wait_for(8)

    assert server.worker() != killed
    assert in_flight(batches, at)
    assert late(batches, at) < ERROR_SECONDS
    assert batches.statuses().keys() == {200, 503}
    assert batches.statuses(at + well).keys() == {200}
    assert single.statuses().keys() == {200}
    assert server.lines(level="error", event="churn.server")
    record_property("error after", late(batches, at))
    record_property("well after", well)


def test_the_scoring_process_is_killed_again_and_again(
    serving: Serving, telco: Model, large: bytes
):
    server = serving(telco)

    for _ in range(3):
        killed = server.worker()
        with load(server.port, lambda _: ("/predict/batch", large), clients=2) as batches:
            batches.wait_for(2)
            os.kill(killed, signal.SIGKILL)
            until(lambda dead=killed: server.worker() not in (0, dead), "another")
            until(server.is_ready, "ready")
            batches.wait_for(4)
        assert batches.statuses().keys() <= {200, 503}

    assert server.post("/predict/batch", large).status == 200


def test_a_process_that_answers_is_killed(serving: Serving, telco: Model, record_property):
    server = serving(telco)
    before = server.apis()

    with load(server.port, lambda _: ("/predict", ONE), clients=8) as found:
        found.wait_for(1000)
        at = time.monotonic()
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len({*server.apis()} - {*before}) == 1, "another", WELL_SECONDS)
        well = time.monotonic() - at
        found.wait_for(1000)

    broken = found.statuses().pop(0, 0)
    # Those whose connection was with it, once each; nobody waits, and no other gets an error.
    assert 1 <= broken <= 8
    assert found.statuses().keys() == {0, 200}
    assert found.slowest(at) < ERROR_SECONDS
    assert 0 not in found.statuses(at + 1)
    assert server.metric('churn_requests_total{endpoint="/predict",status="200"}') >= 2000
    record_property("well after", well)
    record_property("broken", broken)


def test_all_processes_but_the_main_one_are_killed(
    serving: Serving, telco: Model, large: bytes, record_property
):
    server = serving(telco)
    before = [*server.apis(), server.worker()]

    at = time.monotonic()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len({*server.apis()} - {*before}) == 2, "others", WELL_SECONDS)
    until(lambda: server.worker() not in (0, before[-1]), "another worker", WELL_SECONDS)
    until(server.is_ready, "ready", WELL_SECONDS)
    record_property("well after", time.monotonic() - at)

    assert server.post("/predict", SHORT).status == 200
    assert server.post("/predict/batch", large).status == 200


@pytest.mark.parametrize("restarted", [False, True])
def test_sigterm_under_load(
    serving: Serving, telco: Model, large: bytes, restarted: bool, record_property
):
    server = serving(telco)
    if restarted:
        before = {*server.apis(), server.worker()}
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len({*server.apis(), server.worker()} - before) == 3, "others")
        until(server.is_ready, "ready")
    processes = server.processes()

    with (
        load(server.port, lambda _: ("/predict/batch", large), clients=3) as batches,
        load(server.port, lambda _: ("/predict", ONE)) as single,
    ):
        batches.wait_for(6)
        at = time.monotonic()
        server.signal(signal.SIGTERM)
        status = server.wait(2 * WELL_SECONDS)
        took = time.monotonic() - at

    assert status == 0
    assert took < WELL_SECONDS
    # What was sent in the same moment may meet a closed door; what was sent before is answered.
    waiting = [one for one in in_flight(batches, at) if one.sent < at - 0.05]
    assert waiting
    assert [one.reply and one.reply.status for one in waiting] == [200] * len(waiting)
    before = [one for one in single.found if one.sent < at - 0.05]
    assert {one.reply.status for one in before} == {200}
    assert batches.statuses().keys() | single.statuses().keys() <= {0, 200, 503}
    until(lambda: not any(map(command_line, processes)), "none is left", WELL_SECONDS - took)
    record_property("ended after", took)
    record_property("in flight", len(waiting))


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends(serving: Serving, telco: Model, which: signal.Signals):
    server = serving(telco)

    at = time.monotonic()
    server.signal(which)

    assert server.wait(2 * WELL_SECONDS) == 0
    assert time.monotonic() - at < WELL_SECONDS
    assert "Traceback" not in server.log()


def test_none_is_left_behind_when_the_main_process_is_killed(
    serving: Serving, telco: Model, tmp_path: Path, record_property
):
    server = serving(telco, environment={"TMPDIR": str(tmp_path)})
    processes = server.processes()
    assert len(processes) >= 5

    with load(server.port, lambda _: ("/predict", ONE)) as found:
        found.wait_for(100)
        at = time.monotonic()
        server.signal(signal.SIGKILL)
        left = until(lambda: not [pid for pid in processes if command_line(pid)], "gone", 15)
        record_property("gone after", time.monotonic() - at)

    assert left
    assert found.statuses().keys() == {0, 200}


def test_a_request_has_its_deadline(serving: Serving, telco: Model, large: bytes):
    server = serving(telco, deadline=1, processes=1)
    worker = server.worker()

    os.kill(worker, signal.SIGSTOP)
    try:
        at = time.monotonic()
        late = server.post("/predict/batch", large)
        took = time.monotonic() - at
        single = server.post("/predict", SHORT)
    finally:
        os.kill(worker, signal.SIGCONT)

    assert (late.status, late.json["error"]) == (504, "deadline_exceeded")
    assert 1 <= took < 1 + ERROR_SECONDS
    assert single.status == 200
    until(lambda: server.post("/predict/batch", large).status == 200, "well", WELL_SECONDS)


def fill(folder: Path) -> None:
    with (
        (folder / "full").open("wb", buffering=0) as file,
        pytest.raises(OSError, match="No space left"),
    ):
        while True:
            file.write(b"x" * 4096)


def test_the_disk_becomes_full(
    serving: Serving, telco: Model, other: Model, large: bytes, disk: Path, tmp_path: Path
):
    folder = Model(Path(shutil.copytree(telco.folder, tmp_path / "model")), telco.scorer)
    environment = {**KEYS, "TMPDIR": str(disk)}
    server = serving(folder, stderr=Path("/dev/full"), environment=environment)
    key = {"X-API-Key": ADMIN}

    fill(disk)
    replies = [server.ask("POST", "/predict", ONE, key) for _ in range(300)]
    replies += [server.ask("POST", "/predict/batch", large, key) for _ in range(5)]
    shutil.rmtree(folder.folder)
    shutil.copytree(other.folder, folder.folder)
    refused = server.ask("POST", "/admin/reload", headers=key)
    served = server.ask("POST", "/predict", ONE, key).json
    name = 'churn_requests_total{endpoint="/predict",status="200"}'
    # An answer is counted once it has been sent.
    until(lambda: server.metric(name) == 301, "all are counted", WELL_SECONDS)
    (disk / "full").unlink()
    done = server.ask("POST", "/admin/reload", headers=key)

    assert {one.status for one in replies} == {200}
    assert refused.status == 409
    assert "No space left on device" in refused.json["message"]
    assert served["model_version"] == telco.version
    assert (done.status, done.json) == (200, {"model_version": other.version})
    server.signal(signal.SIGTERM)
    assert server.wait(2 * WELL_SECONDS) == 0


def test_the_disk_is_full_at_the_start(settled, telco: Model, disk: Path):
    fill(disk)

    done = settled(telco.folder, environment={"TMPDIR": str(disk)}).refused()

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {disk}")
    assert "No space left on device. Free some space there" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_in_good_order_leaves_nothing_behind(serving: Serving, telco: Model, disk: Path):
    server: Running = serving(telco, environment={"TMPDIR": str(disk)})
    assert [*disk.iterdir()]

    server.signal(signal.SIGTERM)
    server.wait()

    assert not [*disk.iterdir()]
