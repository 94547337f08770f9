"""Whoever dies under load: callers notice little or nothing, and no prediction is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from churn.partitions import first_id
from tests.serve.load import Load
from tests.serve.running import Reply
from tests.stack.stack import RATE, SERVICES, Stack
from tests.waiting import until

pytestmark = pytest.mark.stack

BEFORE, AFTER = 2 * RATE, 2 * RATE
# What a process has answered less than this before it was killed may not have been on disk
# (log.flush_ms), with some room for a busy machine.
UNFLUSHED = timedelta(milliseconds=400)
# The other processes of a container die a moment after its first.
DYING = timedelta(milliseconds=100)
REPLICAS = ("api-1", "api-2")
# Of every 100 requests, that may fail while it is killed; callers have but one load balancer.
ALLOWED = {**dict.fromkeys(SERVICES, 0.0), **dict.fromkeys(REPLICAS, 1.0), "load-balancer": 100.0}


def answered(found: Load) -> list[Reply]:
    return [one.reply for one in found.found if one.reply and one.reply.status == 200]


def ids(found: Load) -> set[str]:
    return {one.json["prediction_id"] for one in answered(found)}


def logged(stack: Stack, wanted: set[str]) -> None:
    """Wait until the log has all of them."""
    try:
        until(lambda: wanted <= stack.predictions(), "the log has every prediction")
    except AssertionError:
        # Ids begin with their moment.
        assert not sorted(wanted - stack.predictions())


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container(stack: Stack, customer: Any, service: str, say: Callable[[str], None]):
    before = stack.inspect(service)

    with stack.loaded(customer) as found:
        found.wait_for(BEFORE)
        begun = datetime.now(UTC)
        stack.crash(service)
        killed = datetime.now(UTC)
        stack.wait_until_restarted(service, before)
        restarted = time.monotonic()
        found.wait_for(AFTER)

    failed = 100 * (1 - len(answered(found)) / len(found.found))
    say(f"{service} killed: {failed:.2f} % of {len(found.found)} requests failed")
    assert failed <= ALLOWED[service], found.statuses()
    assert {*found.statuses(since=restarted)} == {200}
    first, last = first_id(begun - UNFLUSHED), first_id(killed + DYING)
    at_risk = {one for one in ids(found) if first <= one < last}
    logged(stack, ids(found) - (at_risk if service in REPLICAS else set()))


def test_what_was_there_is_there_after_down_and_up(stack: Stack, customer: Any):
    api = stack.api()
    begun = time.time()
    wanted = {api.post("/predict", customer).json["prediction_id"] for _ in range(20)}
    experiment = stack.mlflow("experiments/create", {"name": "kept"})["experiment_id"]
    assert stack.grafana().post("/api/annotations", {"text": "kept"}).status == 200

    # At once: what has not reached the database yet waits in the volumes.
    stack.checkout.run("docker", "compose", "down")
    stack.checkout.run("docker", "compose", "up", "-d", "--wait")

    logged(stack, wanted)
    found = stack.mlflow("experiments/search", {"max_results": 10})["experiments"]
    assert experiment in [one["experiment_id"] for one in found]
    assert stack.earliest() < begun
    assert [one["text"] for one in stack.grafana().get("/api/annotations").json] == ["kept"]
