"""From a real Alertmanager, with the committed configuration, to GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.dispatcher.running import (
    GITHUB_TOKEN,
    REPOSITORY,
    TOKEN,
    Dispatcher,
    GitHub,
    secret,
)
from tests.deploy.running import DEPLOY, Running, alertmanager, read_yaml, write_yaml
from tests.waiting import until


@contextmanager
def managing(folder: Path, dispatcher: Dispatcher) -> Iterator[Running]:
    """Alertmanager that tells nobody but the dispatcher, and repeats itself every second."""
    folder.mkdir()
    (folder / "dispatcher_token").write_text(f"{TOKEN}\n")
    text = (DEPLOY / "alertmanager/alertmanager.yml").read_text()
    text = text.replace("/etc/alertmanager/secrets", str(folder))
    (folder / "alertmanager.yml").write_text(
        text.replace("dispatcher:8010", f"127.0.0.1:{dispatcher.port}")
    )
    config = read_yaml(folder / "alertmanager.yml")
    config["receivers"] = [
        one if one["name"] == "dispatcher" else {"name": one["name"]} for one in config["receivers"]
    ]
    for route in config["route"]["routes"]:
        route.update(group_wait="1s", group_interval="1s", repeat_interval="1s")
    with alertmanager(folder, write_yaml(folder / "alertmanager.yml", config)) as running:
        yield running


@pytest.fixture(scope="module")
def manager(dispatcher: Dispatcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with managing(tmp_path_factory.mktemp("managers") / "one", dispatcher) as one:
        yield one


def alert(version: str, name: str = "DriftAlarm", hours_ago: float = 0, **labels: str) -> Any:
    """An alert as Prometheus posts it."""
    names = {"alertname": name, "severity": "critical", "service": "churn"}
    started = datetime.now(UTC) - timedelta(hours=hours_ago)
    return {
        "labels": {**names, "model_version": version, **labels},
        "startsAt": started.isoformat(),
        "generatorURL": "http://prometheus:9090/graph?g0.expr=1",
    }


def ended(one: dict[str, Any]) -> dict[str, Any]:
    """The same alert when it has ended."""
    return {**one, "endsAt": datetime.now(UTC).isoformat()}


def more(dispatcher: Dispatcher, result: str, by: int) -> Any:
    """Wait until so many more notifications have had a result."""
    before = dispatcher.counted(result)
    return until(lambda: dispatcher.counted(result) >= before + by, f"{by} more {result}")


def test_an_episode_starts_one_training_and_the_next_one_another(
    manager: Running, dispatcher: Dispatcher, github: GitHub
):
    # Given a model of which a column drifts,
    age = alert("v1", hours_ago=0.5, feature="age", window="1d")
    manager.post("/api/v2/alerts", [age])
    (one,) = until(lambda: github.of("v1"), "the first training")
    # when Alertmanager repeats itself, other alerts come, and the dispatcher dies in between,
    more(dispatcher, "repeated", 1)
    others = [
        alert("v1", feature="contract", window="7d"),
        alert("v1", name="AccuracyLow"),
    ]
    manager.post("/api/v2/alerts", others)
    until(lambda: "model v1, 3 alerts fire" in dispatcher.log(), "the other alerts are told")
    dispatcher.kill()
    dispatcher.start()
    more(dispatcher, "repeated", 1)
    manager.post("/api/v2/alerts", [ended(age)])
    until(lambda: "model v1, 2 alerts fire" in dispatcher.log(), "an alert's end is told")
    # then nothing more is started,
    assert github.of("v1") == [one]
    # until all alerts have ended and one fires anew.
    manager.post("/api/v2/alerts", [ended(other) for other in others])
    until(lambda: "resolved: model v1" in dispatcher.log(), "the episode's end is told")
    manager.post("/api/v2/alerts", [alert("v1", feature="age", window="1d")])
    until(lambda: len(github.of("v1")) == 2, "the second training")
    more(dispatcher, "repeated", 1)
    assert len(github.of("v1")) == 2
    # What GitHub was asked for, word for word.
    assert one.path == f"/repos/{REPOSITORY}/dispatches"
    assert one.headers["Authorization"] == f"Bearer {GITHUB_TOKEN}"
    assert one.content == {
        "event_type": "drift-alarm",
        "client_payload": {
            "model_version": "v1",
            "alerts": ["DriftAlarm"],
            "features": ["age"],
            "feature_count": 1,
            "since": one.payload["since"],
            "alertmanager": one.payload["alertmanager"],
            "prometheus": "http://prometheus:9090/graph?g0.expr=1",
        },
    }
    since = datetime.fromisoformat(one.payload["since"])
    assert since == datetime.fromisoformat(age["startsAt"]).replace(microsecond=0)
    assert one.payload["alertmanager"].startswith("http://")


def test_alertmanager_tries_again_where_github_fails(
    manager: Running, dispatcher: Dispatcher, github: GitHub
):
    github.answers["v2"] = [500, 502]
    manager.post("/api/v2/alerts", [alert("v2", feature="age")])
    until(lambda: "dispatched: model v2" in dispatcher.log(), "the third try")
    more(dispatcher, "repeated", 2)
    assert len(github.of("v2")) == 3
    assert dispatcher.counted("failed") == 2


def test_an_alarm_that_was_refused_is_told_again_and_starts_its_training(
    manager: Running, dispatcher: Dispatcher, github: GitHub
):
    # Given a dispatcher whose token is another than Alertmanager's,
    secret(dispatcher.token, "not-that-of-alertmanager")
    manager.post("/api/v2/alerts", [alert("refused", feature="age")])
    more(dispatcher, "refused", 2)
    assert not github.of("refused")
    # when that is mended, then nothing is lost.
    secret(dispatcher.token, TOKEN)
    until(lambda: github.of("refused"), "the training")


def test_two_alertmanagers_that_know_nothing_of_each_other_start_one_training(
    manager: Running, dispatcher: Dispatcher, github: GitHub, tmp_path: Path
):
    given = [alert("v3", feature="age"), alert("v3", name="AccuracyLow")]
    with managing(tmp_path / "two", dispatcher) as other:
        for one in (manager, other):
            one.post("/api/v2/alerts", given)
        until(lambda: dispatcher.log().count("model v3, 2 alerts fire") >= 4, "both have told it")
    assert len(github.of("v3")) == 1


def test_an_end_that_alertmanager_keeps_to_itself_does_not_hide_the_next_episode(
    manager: Running, dispatcher: Dispatcher, github: GitHub
):
    def suppressed() -> set[str]:
        found = manager.json("/api/v2/alerts", silenced="false", active="false")
        return {one["labels"].get("model_version") for one in found}

    # Given an episode that ends while no server answers, which holds every other alert back,
    drift = alert("v4", hours_ago=3, feature="age")
    manager.post("/api/v2/alerts", [drift])
    until(lambda: github.of("v4"), "the first training")
    down = alert("", name="ServerDown")
    manager.post("/api/v2/alerts", [down])
    until(lambda: "v4" in suppressed(), "the drift is held back")
    before = dispatcher.log().count("resolved: model v4")
    manager.post("/api/v2/alerts", [ended(drift)])
    until(lambda: "v4" not in suppressed(), "the drift is over")
    # when servers are back and the model drifts again,
    manager.post("/api/v2/alerts", [ended(down)])
    manager.post("/api/v2/alerts", [alert("v4", feature="age")])
    # then a training is started, though the end was never told.
    until(lambda: len(github.of("v4")) == 2, "the second training")
    assert dispatcher.log().count("resolved: model v4") == before == 0


def test_nothing_secret_is_written(dispatcher: Dispatcher):
    for text in (dispatcher.log(), dispatcher.state.read_text()):
        assert TOKEN not in text
        assert GITHUB_TOKEN not in text
