"""What people are told if the stack is not there, or not whole."""

from __future__ import annotations

import re

import pytest

from commands.stack.services import compose
from tests.checkout import Checkout
from tests.stack.stack import Stack
from tests.waiting import until

pytestmark = pytest.mark.stack


def told(checkout: Checkout, target: str) -> str:
    done = checkout.attempt("make", target)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def test_without_a_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "churn-test-nobody")

    for target in ("smoke", "rollout"):
        assert re.match(
            r"error: load-balancer: .*docker compose up -d --wait", told(stack.checkout, target)
        )


def test_without_secrets(stack: Stack):
    keys = stack.checkout.folder / "secrets/api_keys"
    kept = keys.rename(keys.with_name("kept"))
    try:
        assert "secrets/api_keys: not there, or not readable. make secrets" in told(
            stack.checkout, "smoke"
        )
    finally:
        kept.rename(keys)


def test_smoke_says_who_is_away(stack: Stack):
    compose("stop", "grafana")
    try:
        assert re.match(
            r"error: grafana: .*docker compose logs grafana", told(stack.checkout, "smoke")
        )
    finally:
        compose("start", "grafana")
        until(lambda: stack.is_well("grafana"), "grafana is well")
