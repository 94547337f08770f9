"""Who hears of what: a real Alertmanager, with stand-ins for all that it speaks to."""

from __future__ import annotations

import email
import json
import socketserver
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.running import DEPLOY, Running, alertmanager, prometheus, read_yaml, write_yaml
from tests.listening import listening
from tests.ports import free_port
from tests.waiting import until

CONFIG = DEPLOY / "alertmanager/alertmanager.yml"
SECRETS = {
    "smtp_password": "of the mailbox",
    "pagerduty_key": "of PagerDuty",
    "dispatcher_token": "of-the-dispatcher",
}


@dataclass
class Ends:
    """What arrived at the ends; `tokens` are what the dispatcher was shown."""

    pagerduty: list[Any] = field(default_factory=list)
    slack: list[Any] = field(default_factory=list)
    mail: list[Any] = field(default_factory=list)
    dispatcher: list[Any] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    def counts(self) -> tuple[int, int, int]:
        """Messages at PagerDuty, Slack and in the mail."""
        return len(self.pagerduty), len(self.slack), len(self.mail)


def posted(
    messages: list[Any], status: int, answer: bytes, tokens: list[str | None] | None = None
) -> ThreadingHTTPServer:
    """An HTTP server that keeps what is posted, and with what right if `tokens` is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if tokens is not None:
                tokens.append(self.headers["Authorization"])
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def mailbox(messages: list[Any]) -> socketserver.ThreadingTCPServer:
    """As much of SMTP as it takes to receive a mail."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 stand-in")
            while line := self.rfile.readline().decode().strip():
                command = line.split()[0].upper()
                if command == "DATA":
                    self.say("354 go on")
                    messages.append(email.message_from_bytes(b"".join(self.until_dot())))
                self.say("221 bye" if command == "QUIT" else "250 ok")
                if command == "QUIT":
                    return

        def until_dot(self) -> Iterator[bytes]:
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                yield line

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    return Server(("127.0.0.1", 0), Handler)


def hastened(config: Any) -> Any:
    """No group waits; what is repeated is not repeated sooner."""
    for route in (config["route"], *config["route"]["routes"]):
        route.update(group_wait="1s", group_interval="1s")
    return config


@pytest.fixture
def ends() -> Ends:
    return Ends()


@pytest.fixture
def manager(ends: Ends, tmp_path: Path) -> Iterator[Running]:
    """Alertmanager with the committed configuration; only addresses and waits are others."""
    with ExitStack() as stack:
        pagerduty = stack.enter_context(listening(posted(ends.pagerduty, 202, b"{}")))
        slack = stack.enter_context(listening(posted(ends.slack, 200, b"ok")))
        smtp = stack.enter_context(listening(mailbox(ends.mail)))
        dispatched = posted(ends.dispatcher, 200, b"{}", ends.tokens)
        dispatcher = stack.enter_context(listening(dispatched))
        for name, text in {**SECRETS, "slack_url": f"http://127.0.0.1:{slack}/"}.items():
            (tmp_path / name).write_text(f"{text}\n")
        text = CONFIG.read_text().replace("/etc/alertmanager/secrets", str(tmp_path))
        text = text.replace("http://dispatcher:8010/", f"http://127.0.0.1:{dispatcher}/")
        (tmp_path / "alertmanager.yml").write_text(text)
        config = hastened(read_yaml(tmp_path / "alertmanager.yml"))
        config["global"].update(
            pagerduty_url=f"http://127.0.0.1:{pagerduty}/v2/enqueue",
            smtp_smarthost=f"127.0.0.1:{smtp}",
            smtp_require_tls=False,
        )
        path = write_yaml(tmp_path / "alertmanager.yml", config)
        yield stack.enter_context(alertmanager(tmp_path, path))


def alert(name: str, severity: str, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus posts it."""
    names = {"alertname": name, "severity": severity, "service": "churn", **labels}
    notes = {"summary": f"{name} is 42", "description": "why", "runbook_url": "RUNBOOK.md#it"}
    return {"labels": names, "annotations": notes}


def subject(message: Any) -> str:
    return str(make_header(decode_header(message["Subject"])))


def test_each_severity_reaches_its_own_receiver_once(manager: Running, ends: Ends):
    given = [
        alert("LogRowsLost", "critical", instance="a"),
        alert("LatencyHigh", "warning", endpoint="/predict"),
        alert("ModelOld", "info", model_version="v1"),
        alert("Another", "info"),
    ]
    # When Prometheus says so again and again,
    manager.post("/api/v2/alerts", given)
    until(lambda: 0 not in ends.counts(), "all three have heard")
    manager.post("/api/v2/alerts", given)
    # and a later alert shows that the groups have been looked at since,
    manager.post("/api/v2/alerts", [alert("Probe", "critical"), alert("Probe", "warning")])
    until(lambda: ends.counts()[:2] == (2, 2), "the probes arrive")
    # then each has been told once, by the number and with what to do.
    assert ends.counts() == (2, 2, 1)
    called = ends.pagerduty[0]
    assert called["routing_key"].strip() == SECRETS["pagerduty_key"]
    assert called["event_action"] == "trigger"
    assert called["payload"]["summary"].strip() == "LogRowsLost is 42"
    assert called["payload"]["custom_details"]["runbook"] == "RUNBOOK.md#it"
    shown = ends.slack[0]["attachments"][0]
    assert shown["title"] == "FIRING LatencyHigh"
    assert shown["text"].split("\n") == ["LatencyHigh is 42", "why", "RUNBOOK.md#it"]
    assert subject(ends.mail[0]) == "Churn, weekly: 2 to know"


def test_an_alarm_of_the_model_calls_somebody_and_starts_a_training(manager: Running, ends: Ends):
    drift = {"model_version": "v1", "window": "1d"}
    given = [
        alert("DriftAlarm", "critical", feature="age", **drift),
        alert("DriftAlarm", "critical", feature="contract", **drift),
        alert("AccuracyLow", "critical", model_version="v1"),
        alert("DriftAlarm", "critical", feature="age", model_version="v2", window="7d"),
        # None of these is a reason to train.
        alert("DriftWarning", "warning", feature="tenure", **drift),
        alert("AccuracyDropped", "warning", model_version="v2"),
        alert("LogRowsLost", "critical", instance="a"),
    ]
    others = alert("DriftAlarm", "critical", **drift)
    others["labels"]["service"] = "billing"
    manager.post("/api/v2/alerts", [*given, others])
    # One message a model of ours, and the people hear of it as ever.
    until(lambda: len(ends.dispatcher) == 2 and len(ends.pagerduty) == 3, "all have heard")
    until(lambda: ends.slack, "Slack too")
    said = {one["groupLabels"]["model_version"]: one for one in ends.dispatcher}
    assert {version: len(one["alerts"]) for version, one in said.items()} == {"v1": 3, "v2": 1}
    assert said["v1"]["groupLabels"] == {"service": "churn", "model_version": "v1"}
    assert set(ends.tokens) == {f"Bearer {SECRETS['dispatcher_token']}"}
    # The end of all of it is told as well.
    ended = {"endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-01-01T00:00:00Z"}
    manager.post("/api/v2/alerts", [{**one, **ended} for one in given])
    until(lambda: len(ends.dispatcher) == 4, "the dispatcher hears of the end")
    assert [one["status"] for one in ends.dispatcher] == ["firing"] * 2 + ["resolved"] * 2


def test_what_has_no_known_severity_is_shown_too(manager: Running, ends: Ends):
    manager.post("/api/v2/alerts", [alert("Misspelt", "critcal")])
    until(lambda: ends.slack, "Slack has heard")
    assert ends.counts() == (0, 1, 0)


def test_a_dead_server_is_one_alert(manager: Running, ends: Ends):
    given = [
        alert("ServerDown", "critical"),
        alert("ReplicaDown", "warning", instance="a"),
        alert("ErrorRateHigh", "critical", endpoint="/predict"),
        alert("DriftAlarm", "critical", feature="age", model_version="v1", window="1d"),
        alert("ModelOld", "info", model_version="v1"),
    ]
    others = {**alert("Elsewhere", "warning")}
    others["labels"] = {**others["labels"], "service": "billing"}
    manager.post("/api/v2/alerts", [*given, others])
    until(lambda: ends.pagerduty and ends.slack, "ServerDown and the other service are told")
    assert suppressed(manager) == {"ReplicaDown", "ErrorRateHigh", "DriftAlarm", "ModelOld"}
    assert [one["payload"]["summary"].strip() for one in ends.pagerduty] == ["ServerDown is 42"]
    assert ends.counts() == (1, 1, 0)


def test_what_prometheus_finds_arrives_under_the_name_of_the_service(
    manager: Running, ends: Ends, tmp_path: Path
):
    nobody = f"127.0.0.1:{free_port()}"
    address = manager.url.removeprefix("http://")
    with prometheus(tmp_path / "prometheus", [nobody], address):
        until(lambda: ends.pagerduty, "ServerDown is told")
        until(lambda: suppressed(manager) == {"ReplicaDown"}, "what follows from it is held back")
        # What is told may be older: of a Prometheus that has looked for no server yet.
        said = "No churn server answers: 0 of 1 are up"
        until(lambda: said in summaries(manager), "the server that is down is counted")
    assert {one["labels"]["service"] for one in alerts(manager)} == {"churn"}
    summary = ends.pagerduty[0]["payload"]["summary"].strip()
    assert summary in (said, said.replace("of 1", "of 0"))


@pytest.mark.parametrize(
    ("source", "target", "same", "other"),
    [
        ("ReplicaDown", "LogDatabaseAway", {"instance": "a"}, {"instance": "b"}),
        ("NoPredictions", "VolumeUnusual", {}, None),
        (
            *("DriftAlarm", "DriftWarning"),
            {"model_version": "v1", "feature": "age", "window": "1d"},
            {"model_version": "v1", "feature": "contract", "window": "1d"},
        ),
        ("AccuracyLow", "AccuracyDropped", {"model_version": "v1"}, {"model_version": "v2"}),
        ("LogDatabaseAway", "LogSpoolGrowing", {"instance": "a"}, {"instance": "b"}),
    ],
)
def test_a_consequence_is_held_back_and_nothing_else(
    manager: Running,
    source: str,
    target: str,
    same: dict[str, str],
    other: dict[str, str] | None,
):
    given = [alert(source, "warning", **same), alert(target, "warning", **same)]
    if other is not None:
        given.append(alert(target, "info", **other))
    manager.post("/api/v2/alerts", given)
    until(lambda: suppressed(manager), "one is held back")
    held = [one for one in alerts(manager) if one["status"]["state"] == "suppressed"]
    assert [(one["labels"]["alertname"], one["labels"]["severity"]) for one in held] == [
        (target, "warning")
    ]


def test_the_mail_is_weekly():
    routes = read_yaml(CONFIG)["route"]["routes"]
    info = next(one for one in routes if one["matchers"] == ['severity="info"'])
    # One group, so one mail; looked at once a week, when the last is older than the interval.
    assert (info["group_by"], info["group_interval"]) == (["severity"], "1w")
    assert info["repeat_interval"] == "6d"


def test_no_secret_is_in_the_configuration():
    text = CONFIG.read_text()
    for name in (
        *("smtp_auth_password:", "slack_api_url:", "routing_key:", "service_key:"),
        *("credentials:", "bearer_token:"),
    ):
        assert name not in text


def alerts(manager: Running) -> list[Any]:
    return manager.json("/api/v2/alerts")


def summaries(manager: Running) -> set[str]:
    """What the alerts say now."""
    return {one["annotations"]["summary"] for one in alerts(manager)}


def suppressed(manager: Running) -> set[str]:
    """Names of the alerts that are held back."""
    return {
        one["labels"]["alertname"]
        for one in alerts(manager)
        if one["status"]["state"] == "suppressed"
    }
