"""What the workflow is told: within GitHub's limits, and harmless to a shell, whatever comes in."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.dispatcher.notifications import Notification
from deploy.dispatcher.payload import client_payload
from tests.deploy.dispatcher.running import alert, notification

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,199}", fullmatch=True)
VERSIONS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", fullmatch=True)
TEXT = st.one_of(st.text(max_size=3000), st.from_regex(r"https?://\S{1,2500}", fullmatch=True))


def payload(version: str, *alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return client_payload(Notification.model_validate(notification(version, *alerts, **more)))


def test_only_what_fires_is_told_once_and_in_order():
    told = payload(
        "v1.2.0",
        alert(90, "resolved", feature="tenure_months"),
        alert(60, feature="contract", window="1d"),
        alert(30, feature="contract", window="7d"),
        alert(45, feature="age", window="7d"),
        alert(10, name="AccuracyLow"),
    )
    assert told["alerts"] == ["AccuracyLow", "DriftAlarm"]
    assert (told["features"], told["feature_count"]) == (["age", "contract"], 2)
    assert told["since"] == payload("v1", alert(60))["since"]


def test_of_many_features_the_first_are_told_and_how_many_there_are():
    told = payload("v1", *(alert(feature=f"f{i:03}") for i in range(1000)))
    assert told["features"] == [f"f{i:03}" for i in range(50)]
    assert told["feature_count"] == 1000


def test_an_address_that_could_do_harm_is_left_out():
    for text in ("", "javascript:alert(1)", 'http://x/"; id', "http://x/$(id)", "http://x/`id`"):
        assert payload("v1", externalURL=text)["alertmanager"] == ""


@given(
    version=VERSIONS,
    named=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=20),
    times=st.integers(1, 16),
    text=TEXT,
)
def test_it_is_within_githubs_limits_and_harmless(
    version: str, named: list[tuple[str, str]], times: int, text: str
):
    alerts = [
        {**alert(name=f"{name[:190]}{i}", feature=f"{feature[:190]}{i}"), "generatorURL": text}
        for i in range(times)
        for name, feature in named
    ]
    told = payload(version, *alerts, externalURL=text)
    assert len(told) <= 10
    assert len(json.dumps(told)) < 32_000
    texts = [
        one for value in told.values() for one in (value if isinstance(value, list) else [value])
    ]
    assert not set("$`'\"\\;|<>()!*\n ") & set("".join(map(str, texts)))
