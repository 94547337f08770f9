"""A new model takes over under load, and one that does not start changes nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.serve.load import Load
from tests.stack.conftest import NEW, OLD
from tests.stack.stack import RATE, Stack

pytestmark = pytest.mark.stack


def versions(found: Load, since: int = 0) -> set[str]:
    """Models that have answered; fails if anybody got no answer."""
    assert {*found.statuses()} == {200}
    return {one.reply.json["model_version"] for one in found.found[since:] if one.reply}


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, OLD)])
def test_a_rollout_fails_nobody(
    stack: Stack, customer: Any, images: dict[str, str], before: str, after: str
):
    stack.serve(images[after])

    with stack.loaded(customer) as found:
        found.wait_for(RATE)
        assert versions(found) == {before}
        told = stack.checkout.run("make", "rollout")
        done = len(found.found)
        found.wait_for(2 * RATE)

    assert told == "api-1: up\napi-2: up\n"
    assert versions(found) == {before, after}
    assert versions(found, done + 16) == {after}


def test_an_image_that_does_not_start_leaves_the_others_alone(
    stack: Stack, customer: Any, images: dict[str, str]
):
    stack.serve("python:3.11-slim")

    with stack.loaded(customer) as found:
        refused = stack.checkout.attempt("make", "rollout")
        found.wait_for(RATE)

    assert refused.returncode == 2
    assert re.match(r"error: api-1 does not take over: .*CHURN_IMAGE.*\n", refused.stderr)
    assert "Traceback" not in refused.stderr
    assert versions(found) == {OLD}

    stack.serve(images[OLD])
    assert stack.checkout.run("make", "rollout") == "api-1: up\napi-2: up\n"
