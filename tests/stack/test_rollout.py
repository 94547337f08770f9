"""A new model takes over under load, and one that does not start changes nothing."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from tests.serve.load import Load
from tests.stack.conftest import NEW, OLD, ROLLOUT
from tests.stack.stack import CLIENTS, RATE, Stack

pytestmark = pytest.mark.stack


def versions(found: Load, these: range | None = None) -> set[str]:
    """Models that have answered; fails if anybody got no answer."""
    assert {*found.statuses()} == {200}
    asked = found.found[these.start : these.stop] if these else found.found
    return {one.reply.json["model_version"] for one in asked if one.reply}


def test_a_rollout_fails_nobody(stack: Stack, customer: Any):
    # Given an image of the new model, by README's first command,
    stack.checkout.run(*shlex.split(ROLLOUT[0]))

    with stack.loaded(customer) as found:
        found.wait_for(RATE)
        assert versions(found) == {OLD}
        # when the servers change over,
        told = stack.checkout.run(*shlex.split(ROLLOUT[1]))
        done = len(found.found)
        found.wait_for(2 * RATE)
        # and back,
        stack.serve(OLD)
        stack.checkout.run(*shlex.split(ROLLOUT[1]))
        found.wait_for(RATE)

    # then everybody is answered, by one or the other.
    assert told == "api-1: up\napi-2: up\n"
    assert versions(found) == {OLD, NEW}
    assert versions(found, range(done + CLIENTS, done + 2 * RATE)) == {NEW}
    assert versions(found, range(len(found.found) - RATE // 2, len(found.found))) == {OLD}


def test_an_image_that_does_not_start_leaves_the_others_alone(stack: Stack, customer: Any):
    stack.serve("python:3.11-slim")

    with stack.loaded(customer) as found:
        refused = stack.checkout.attempt("make", "rollout")
        found.wait_for(RATE)

    assert refused.returncode == 2
    assert re.match(r"error: api-1 does not take over: .*CHURN_IMAGE.*\n", refused.stderr)
    assert "Traceback" not in refused.stderr
    assert versions(found) == {OLD}

    stack.serve(OLD)
    assert stack.checkout.run("make", "rollout") == "api-1: up\napi-2: up\n"
