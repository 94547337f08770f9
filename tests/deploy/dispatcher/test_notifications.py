"""What is posted: a notification, or a refusal in a few words."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from deploy.dispatcher.errors import InvalidNotification, MalformedBody
from deploy.dispatcher.notifications import parsed
from tests.deploy.dispatcher.running import alert, notification

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*notification("v1"), *alert()]), inner, max_size=4)
    ),
)


def test_what_alertmanager_says_is_understood():
    found = parsed(json.dumps(notification("v1", alert(90, "resolved"), alert(5))).encode())
    assert found.model_version == "v1"
    assert [one.status for one in found.alerts] == ["resolved", "firing"]
    assert found.firing == [found.alerts[1]]
    assert found.first_start == found.alerts[0].starts_at < found.alerts[1].starts_at
    assert found.last_start == found.alerts[1].starts_at


@given(st.binary(max_size=200) | ANYTHING.map(lambda one: json.dumps(one).encode()))
def test_anything_else_is_refused_in_a_few_words(raw: bytes):
    refused(raw)


@given(st.dictionaries(st.sampled_from([*notification("v1")]), ANYTHING, min_size=1))
def test_a_part_that_is_something_else_is_refused_in_a_few_words(parts: dict[str, object]):
    refused(json.dumps({**notification("v1"), **parts}).encode())


def refused(raw: bytes) -> None:
    """It is one of two refusals, or by chance a notification."""
    try:
        assert parsed(raw).alerts
    except (MalformedBody, InvalidNotification) as error:
        assert len(str(error)) < 1500
