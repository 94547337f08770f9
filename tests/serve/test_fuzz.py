"""Bytes that are no request, or nearly one: the server answers or closes, and goes on."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.serve.conftest import Model, Serving
from tests.serve.raw import SECONDS, everything
from tests.serve.running import Running
from tests.serve.test_api import SHORT
from tests.serve.test_refused import written
from tests.waiting import until

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
# The server closes after these, so that what it has sent is complete.
LAST = HEAD + b"Connection: close\r\n"
VALID = HEAD + b"Content-Length: %d\r\n\r\n" % len(written()) + written()
LAST_VALID = LAST + b"Content-Length: %d\r\n\r\n" % len(written()) + written()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PROBE = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
bounded = settings(
    max_examples=400,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)


@pytest.fixture(scope="module")
def fuzzed(serving_all: Serving, telco: Model) -> Running:
    return serving_all(telco, processes=1, deadline=1)


def ends_well(server: Running, *pieces: bytes, closes: bool = True) -> list[int]:
    """Send bytes and close, or let the server close; the statuses that come back."""
    at = time.monotonic()
    found = everything(server.port, [*pieces], closes=closes)
    assert time.monotonic() - at < SECONDS
    statuses = [int(one) for one in STATUS.findall(found)]
    assert not [one for one in statuses if one >= 500], found[:2000]
    assert b"Traceback" not in found
    return statuses


@pytest.fixture(autouse=True)
def goes_on(fuzzed: Running):
    """The same processes serve after each test as before, and none of them has met an error."""
    # The recorder has the tables made by a process of their own.
    until(lambda: fuzzed.metric("churn_log_database_up") == 1, "a database")
    before = fuzzed.processes()
    yield
    assert fuzzed.post("/predict", SHORT).status == 200
    assert fuzzed.processes() == before
    assert not fuzzed.lines(level="error")


@bounded
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes(fuzzed: Running, data: bytes):
    ends_well(fuzzed, data)


@bounded
@given(st.binary(max_size=200))
def test_any_body(fuzzed: Running, body: bytes):
    head = LAST + b"Content-Length: %d\r\n\r\n" % len(body)

    assert ends_well(fuzzed, head + body, closes=False) == [422]


json_like = st.text(st.sampled_from('{}[]":,.0123456789-+eEtruefalsnNaInity\\ud8 \n'), max_size=80)


@bounded
@given(json_like)
def test_any_json(fuzzed: Running, text: str):
    body = text.encode()
    head = LAST + b"Content-Length: %d\r\n\r\n" % len(body)

    assert ends_well(fuzzed, head + body, closes=False) == [422]


@bounded
@given(st.data())
def test_a_valid_request_with_bytes_changed(fuzzed: Running, data: st.DataObject):
    changed = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(changed) - 1))
        how = data.draw(st.sampled_from(["change", "insert", "delete", "double"]))
        if how == "change":
            changed[at] = data.draw(st.integers(0, 255))
        elif how == "insert":
            changed[at:at] = data.draw(st.binary(max_size=20))
        elif how == "delete":
            del changed[at : at + data.draw(st.integers(1, 20))]
        else:
            changed[at:at] = changed[at : at + 30]

    ends_well(fuzzed, bytes(changed))


@bounded
@given(st.lists(st.integers(1, len(LAST_VALID) - 1), max_size=8, unique=True))
def test_a_valid_request_in_pieces(fuzzed: Running, cuts: list[int]):
    pieces = [LAST_VALID[a:b] for a, b in pairwise([0, *sorted(cuts), len(LAST_VALID)])]

    assert ends_well(fuzzed, *pieces, closes=False) == [200]


@settings(bounded, max_examples=40)
@given(st.integers(0, len(VALID) - 1))
def test_a_request_that_is_cut_off(fuzzed: Running, length: int):
    assert not {*ends_well(fuzzed, VALID[:length])} - {400, 408}


chunk = st.one_of(
    st.binary(max_size=40).map(lambda data: b"%x\r\n%b\r\n" % (len(data), data)),
    st.binary(max_size=40),
    st.sampled_from(
        [b"0\r\n\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", b"5;x=y\r\nabcde\r\n", b"\r\n"]
    ),
)


@bounded
@given(st.lists(chunk, max_size=6))
def test_chunks_that_are_none(fuzzed: Running, chunks: list[bytes]):
    assert not {*ends_well(fuzzed, CHUNKED + b"".join(chunks))} - {400, 408, 413, 422}


LENGTHS = [
    b"Content-Length: -1",
    b"Content-Length: 1e3",
    b"Content-Length: " + b"9" * 40,
    b"Content-Length: " + b"9" * 5000,
    b"Content-Length: 18446744073709551616",
    b"Content-Length: 3\r\nContent-Length: 4",
    b"Content-Length: 3, 4",
    b"Content-Length: 3\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: gzip",
    b"Content-Length:",
    b"Content-Length: 99999999",
    b"Expect: 200-ok\r\nContent-Length: 2",
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
]


@pytest.mark.parametrize("lines", LENGTHS)
def test_lengths_that_are_none(fuzzed: Running, lines: bytes):
    statuses = ends_well(fuzzed, HEAD + lines + b"\r\n\r\n{}")

    assert statuses
    assert not {*statuses} - {400, 408, 413, 422}


def test_a_body_without_any_length_is_empty(fuzzed: Running):
    assert ends_well(fuzzed, LAST + b"\r\n", closes=False) == [422]


@pytest.mark.parametrize(
    "line",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%ed%a0%80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /info?\xff=\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /info?%ed%a0%80=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX: \x00\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX-Request-ID: \xff\r\n\r\n",
        b"GET /health HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"\r\n" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda line: repr(line[:25]),
)
def test_lines_that_few_send(fuzzed: Running, line: bytes):
    ends_well(fuzzed, line)


def test_requests_sent_before_their_answers_are_read(fuzzed: Running):
    requests = (VALID + PROBE) * 100 + LAST_VALID

    assert ends_well(fuzzed, requests, closes=False) == [200] * 201
