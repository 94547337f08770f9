"""A real dispatcher: who is let in, what is refused, what happens if GitHub or the disk fails."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from deploy.dispatcher import app
from deploy.dispatcher.errors import BodyIncomplete
from tests.deploy.dispatcher.running import (
    GITHUB_TOKEN,
    TOKEN,
    Dispatcher,
    GitHub,
    alert,
    notification,
    secret,
)
from tests.deploy.running import RULES
from tests.waiting import until


def test_who_brings_no_token_is_told_so_and_nothing_happens(dispatcher: Dispatcher, github: GitHub):
    given = notification("stranger")
    before = dispatcher.counted("refused")
    for headers in (
        {},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {GITHUB_TOKEN}"},
        {"Authorization": "Bearer sécret-sécret-sécret"},
    ):
        reply = dispatcher.post("/alerts", given, **headers)
        assert reply.status == 401
        assert "Send Authorization: Bearer" in reply.json["error"]
    assert dispatcher.counted("refused") == before + 8
    assert not github.of("stranger")
    assert "stranger" not in dispatcher.log()


def test_a_scheme_may_be_spelt_in_any_case(dispatcher: Dispatcher):
    reply = dispatcher.post("/alerts", notification("case"), Authorization=f"bearer {TOKEN}")
    assert (reply.status, reply.json) == (200, {"result": "dispatched"})


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (b"", 400, "The body is no JSON"),
        (b"{", 400, "The body is no JSON"),
        (b"\xff\xfe", 400, "The body is no JSON"),
        (b"[" * 5000, 400, "The body is no JSON"),
        ([], 422, "top level: input should be an object"),
        ({}, 422, "version: field required"),
        ({**notification("v"), "version": "5"}, 422, "version: input should be '4'"),
        (
            {**notification("v"), "groupLabels": {}},
            422,
            "groupLabels.model_version: field required",
        ),
        (notification("$(id)"), 422, "groupLabels.model_version: string should match"),
        ({**notification("v"), "alerts": []}, 422, "alerts: tuple should have at least 1 item"),
        (notification("v", *[alert()] * 1001), 422, "alerts: tuple should have at most 1000 items"),
        (notification("v", alert(feature="a b")), 422, "alerts.0.labels.feature: string should"),
        ({**notification("v"), "status": "resolved"}, 422, "status is resolved, but 1 alerts fire"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_what_is_no_notification_is_refused_with_the_reason(
    dispatcher: Dispatcher, github: GitHub, content: Any, status: int, why: str
):
    asked = len(github.asked)
    reply = dispatcher.told(content)
    assert (reply.status, why in reply.json["error"]) == (status, True), reply.json
    assert len(reply.body) < 1500
    assert len(github.asked) == asked


def test_a_body_that_is_too_large_is_refused_whether_announced_or_not(dispatcher: Dispatcher):
    content = notification("large", alert(summary="x" * app.MOST_BYTES))
    raw = json.dumps(content).encode()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert dispatcher.ask("POST", "/alerts", raw, headers).status == 413
    connection = HTTPConnection("127.0.0.1", dispatcher.port, timeout=20)
    chunks = (raw[i : i + 65_536] for i in range(0, len(raw), 65_536))
    connection.request("POST", "/alerts", chunks, headers, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("ends", [False, True], ids=["says nothing more", "has gone"])
def test_a_body_that_does_not_arrive_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, ends: bool):
    monkeypatch.setattr(app, "BODY_SECONDS", 0.01)

    async def nothing() -> dict[str, str]:
        return {"type": "http.disconnect"} if ends else await asyncio.Event().wait()  # type: ignore[func-returns-value]

    receive: Callable[[], Awaitable[Any]] = nothing
    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(BodyIncomplete, match=r"not arrived whole within 0.01 s"):
        asyncio.run(app._body(request))


def test_notifications_of_one_episode_at_once_start_one_training(
    dispatcher: Dispatcher, github: GitHub
):
    # Given a GitHub that takes its time,
    github.goes_on.clear()
    with ThreadPoolExecutor(8) as several:
        replies = [several.submit(dispatcher.told, notification("once")) for _ in range(8)]
        until(lambda: github.of("once"), "the first has reached GitHub")
        # when it is waited for, then probes are answered all the same,
        assert dispatcher.get("/health").json == {"status": "ok"}
        github.goes_on.set()
    # and the others find the episode begun.
    results = [reply.result().json["result"] for reply in replies]
    assert sorted(results) == ["dispatched", *["repeated"] * 7]
    assert len(github.of("once")) == 1


def test_killed_while_github_is_asked_it_asks_again(dispatcher: Dispatcher, github: GitHub):
    assert dispatcher.told(notification("before")).json == {"result": "dispatched"}
    github.goes_on.clear()
    with ThreadPoolExecutor(1) as thread:
        cut_off = thread.submit(dispatcher.told, notification("killed"))
        until(lambda: github.of("killed"), "GitHub is asked")
        dispatcher.kill()
        github.goes_on.set()
        assert isinstance(cut_off.exception(), OSError | HTTPException)
    dispatcher.start()
    # What was dispatched is known; what nobody can know is rather done twice than never.
    assert dispatcher.told(notification("before")).json == {"result": "repeated"}
    assert dispatcher.told(notification("killed")).json == {"result": "dispatched"}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "it does not know the token, which may have expired (401: as the test says)"),
        (403, "it needs the permission Contents, read and write (403: "),
        (404, "there is no such repository, or the token does not see it (404: "),
        (422, "it refuses (422: "),
        (500, "it refuses (500: "),
        (307, "it refuses (307: "),
        (200, "it refuses (200: "),
    ],
)
def test_what_github_does_not_take_is_not_remembered(
    dispatcher: Dispatcher, github: GitHub, status: int, why: str
):
    version = f"refused-{status}"
    github.answers[version] = [status]
    reply = dispatcher.told(notification(version))
    assert reply.status == 502
    assert why in reply.json["error"]
    # The next try is another one.
    assert dispatcher.told(notification(version)).json == {"result": "dispatched"}
    assert [one.path for one in github.of(version)] == ["/repos/acme/churn/dispatches"] * 2
    assert why in dispatcher.log()


def test_tokens_are_replaced_without_a_restart(dispatcher: Dispatcher, github: GitHub):
    new, newer = "another-token-of-ours", "github_pat_9876543210"
    try:
        secret(dispatcher.token, f"{new}\n{TOKEN}")
        secret(dispatcher.github_token, newer)
        assert dispatcher.told(notification("rotated"), new).json == {"result": "dispatched"}
        assert dispatcher.told(notification("rotated")).json == {"result": "repeated"}
        assert github.of("rotated")[0].headers["Authorization"] == f"Bearer {newer}"
        secret(dispatcher.token, new)
        assert dispatcher.told(notification("rotated")).status == 401
        # Without any, nobody is let in, and probes say so.
        dispatcher.token.unlink()
        assert dispatcher.told(notification("rotated"), new).status == 503
        health = dispatcher.get("/health")
        assert health.status == 503
        assert "it cannot be read (No such file or directory)" in health.json["error"]
    finally:
        secret(dispatcher.token, TOKEN)
        secret(dispatcher.github_token, GITHUB_TOKEN)
    assert not [one for one in (new, newer) if one in dispatcher.log()]


@pytest.fixture
def kept(dispatcher: Dispatcher) -> Iterator[Path]:
    """The state of the dispatcher, which a test may spoil."""
    before = dispatcher.state.read_bytes()
    yield dispatcher.state
    if dispatcher.state.is_dir():
        shutil.rmtree(dispatcher.state)
    dispatcher.state.write_bytes(before)


def test_a_broken_state_is_told_and_starts_nothing(
    dispatcher: Dispatcher, github: GitHub, kept: Path
):
    kept.write_text('{"broken": ')
    reply = dispatcher.told(notification("broken"))
    assert reply.status == 503
    assert "episodes.json: it is broken (Invalid JSON" in reply.json["error"]
    assert dispatcher.get("/health").status == 503
    assert not github.of("broken")
    kept.write_text("{}")
    assert dispatcher.told(notification("broken")).json == {"result": "dispatched"}


def test_where_nothing_can_be_kept_nothing_is_started(dispatcher: Dispatcher, github: GitHub):
    in_the_way = dispatcher.state.with_name(f".episodes.json.{dispatcher.process.pid}.unfinished")
    in_the_way.mkdir()
    try:
        reply = dispatcher.told(notification("full"))
    finally:
        in_the_way.rmdir()
    assert reply.status == 503
    assert "episodes.json: Is a directory" in reply.json["error"]
    assert not github.of("full")


def test_what_is_counted_is_there_from_the_start_and_for_prometheus(dispatcher: Dispatcher):
    page = dispatcher.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    for result in ("dispatched", "repeated", "resolved", "refused", "failed"):
        assert f'churn_alarms_total{{result="{result}"}}' in page.body.decode()
    # What the alert asks for.
    assert 'churn_alarms_total{result=~"failed|refused"}' in (RULES / "alerts.yml").read_text()


def test_a_stop_is_no_failure_and_no_test_has_left_a_traceback_or_a_secret(
    dispatcher: Dispatcher,
):
    assert dispatcher.end() == 0
    said = dispatcher.log()
    assert "Traceback" not in said
    assert TOKEN not in said
    assert GITHUB_TOKEN not in said
    dispatcher.start()
