"""What bad input gets: JSON with field, problem and what is allowed, and never a 5xx."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.serve.raw import exchange
from tests.serve.running import Running
from tests.serve.test_api import AGES, SHORT

KIB, MIB = 1024, 1024 * 1024


def written(**changed: str) -> bytes:
    """The short request with values as they are to be written."""
    values = {name: json.dumps(value) for name, value in SHORT.items()} | changed
    return ("{" + ",".join(f'"{name}": {value}' for name, value in values.items()) + "}").encode()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ('"42"', '"42" is no number'),
        ("true", "true is no number"),
        ("[42]", "a list is no number"),
        ("null", "missing"),
        ("17", "17 is too low"),
        ("101", "101 is too high"),
        ("41.5", "41.5 is not whole"),
        ("NaN", "NaN is not finite"),
        ("Infinity", "Infinity is not finite"),
        ("-Infinity", "-Infinity is not finite"),
        ("1e400", "Infinity is not finite"),
    ],
)
@pytest.mark.parametrize("form", ["one", "batch", "columns"])
def test_a_value_that_is_not_allowed(server: Running, given: str, problem: str, form: str):
    body = written(age=given)
    if form == "batch":
        body = b"[" + written() + b"," + body + b"]"
    if form == "columns":
        columns = {name: f"[{json.dumps(v)},{json.dumps(v)}]" for name, v in SHORT.items()}
        columns["age"] = f"[42,{given}]"
        inner = ",".join(f'"{name}":{values}' for name, values in columns.items())
        body = f'{{"columns":{{{inner}}}}}'.encode()

    reply = server.post("/predict" if form == "one" else "/predict/batch", body)

    place = {} if form == "one" else {"index": 1}
    assert reply.status == 422
    expected = {**place, "field": "age", "problem": problem, "allowed": AGES}
    assert reply.json["problems"] == [expected]


def test_an_unknown_category_names_those_that_are_known(server: Running):
    [problem] = server.post("/predict", {**SHORT, "contract": "one year"}).json["problems"]

    assert problem["field"] == "contract"
    assert problem["problem"] == "\"one year\" is not one of them (did you mean 'One year'?)"
    assert problem["allowed"] == "one of Month-to-month, One year, Two year"


def test_an_unknown_field_names_those_that_are_known(server: Running):
    [problem] = server.post("/predict", {**SHORT, "Tenure-Months": 3}).json["problems"]

    assert problem["field"] == "Tenure-Months"
    assert problem["problem"] == "unknown field (did you mean 'tenure_months'?)"
    assert "monthly_charges" in problem["allowed"]


def test_everything_that_is_wrong_is_told_at_once(server: Running):
    reply = server.post("/predict", {"age": 7, "support_calls": "two", "shoe_size": 43})

    fields = [one["field"] for one in reply.json["problems"]]
    expected = ["shoe_size", "customer_id", "age", "tenure_months", "monthly_charges"]
    assert fields == [*expected, "support_calls"]


def test_every_bad_row_of_a_batch_is_told(server: Running):
    body = [SHORT, {**SHORT, "age": 1}, 7, {**SHORT, "foo": 1, "contract": "None"}, SHORT]

    problems = server.post("/predict/batch", body).json["problems"]

    found = [(one["index"], one["field"]) for one in problems]
    assert found == [(1, "age"), (2, None), (3, "foo"), (3, "contract")]


def test_every_bad_row_of_a_large_batch_is_told(server: Running):
    body = [SHORT] * 3000
    body[2500] = {**SHORT, "age": 1}

    reply = server.post("/predict/batch", body, X_Request_ID="large")

    assert reply.status == 422
    assert [(one["index"], one["field"]) for one in reply.json["problems"]] == [(2500, "age")]
    assert reply.json["request_id"] == "large"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_body"),
        (b" \n ", "malformed_body"),
        (b"{", "malformed_body"),
        (b'{"age": 42,}', "malformed_body"),
        (b"nonsense", "malformed_body"),
        (b'{"customer_id": "J\xf6rg"}', "malformed_body"),
        (b"\xff\xfe{\x00}\x00", "malformed_body"),
        (b"[" * 50_000, "malformed_body"),
        (b'{"a":' * 10_000, "malformed_body"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "malformed_body"),
        (b"[]", "invalid_customer"),
        (b"7", "invalid_customer"),
        (b"null", "invalid_customer"),
        (written()[:-1] + b',"age":42}', "doubled_field"),
        (written(age="9" * 400), "invalid_customer"),
        (written(age="9" * 5000), "malformed_body"),
        (written(age="NaN", customer_id='"' + "9" * 5000 + '"'), "invalid_customer"),
    ],
)
def test_a_body_that_is_no_customer(server: Running, body: bytes, code: str):
    reply = server.post("/predict", body)

    assert (reply.status, reply.json["error"]) == (422, code)
    assert reply.json["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_body"),
        (b"[]", "empty_batch"),
        (b'{"columns": {}}', "invalid_columns"),
        (b'{"columns": []}', "no_batch"),
        (b'{"columns": {"age": 42, "support_calls": [1]}}', "invalid_columns"),
        (b"{}", "no_batch"),
        (b"7", "no_batch"),
        (b"[" * 100_000 + b"]" * 100_000, "malformed_body"),
        (b"[[[[]]]]", "invalid_batch"),
        (b"[{}]", "invalid_batch"),
        (b"[{},{}" + b" " * 600_000 + b"]", "invalid_batch"),
        (b'{"columns":' * 20_000, "malformed_body"),
        (b"[" + b",".join([b"1"] * 10_001) + b"]", "too_many_rows"),
        (b"[" + b",".join([b"1"] * 3_000_000) + b"]", "too_many_rows"),
    ],
)
def test_a_body_that_is_no_batch(server: Running, body: bytes, code: str):
    reply = server.post("/predict/batch", body)

    assert (reply.status, reply.json["error"]) == (422, code)


def test_columns_of_unequal_lengths(server: Running):
    columns: dict[str, list[Any]] = {name: [value] for name, value in SHORT.items()}
    columns["age"] = [42, 43]

    reply = server.post("/predict/batch", {"columns": columns})

    assert (reply.status, reply.json["error"]) == (422, "unequal_columns")
    assert "one length, got 1, 2" in reply.json["message"]


def test_a_doubled_field_is_found_in_a_batch(server: Running):
    body = b"[" + written() + b"," + written()[:-1] + b',"age":42}]'

    [problem] = server.post("/predict/batch", body).json["problems"]

    assert (problem["index"], problem["field"]) == (1, "age")


@pytest.mark.parametrize(
    "query",
    ["explain=0", "explain=51", "explain=x", "explain=", "explain=1&explain=2", "colour=red"],
)
@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_query_that_cannot_be_used(server: Running, path: str, query: str):
    reply = server.post(f"{path}?{query}", SHORT)

    assert (reply.status, reply.json["error"]) == (422, "invalid_query")
    assert reply.json["problems"][0]["field"] == query.partition("=")[0]


def test_a_query_says_what_on_error_may_be(server: Running):
    [problem] = server.post("/predict/batch?on_error=stop", [SHORT]).json["problems"]

    assert problem["problem"] == "'stop' is not allowed"
    assert problem["allowed"] == "fail or skip"


@pytest.mark.parametrize("path", ["/", "/Predict", "/predict/", "/docs/../info", "/%00", "/info/x"])
def test_a_path_that_is_not_there(server: Running, path: str):
    reply = server.get(path)

    assert (reply.status, reply.json["error"]) == (404, "not_found")
    assert "/predict/batch" in reply.json["message"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/predict", "POST"),
        ("PUT", "/predict", "POST"),
        ("HEAD", "/predict", "POST"),
        ("DELETE", "/predict/batch", "POST"),
        ("POST", "/health", "GET"),
        ("OPTIONS", "/info", "GET"),
        ("GET", "/admin/reload", "POST"),
    ],
)
def test_a_method_that_the_path_does_not_take(
    server: Running, method: str, path: str, allowed: str
):
    reply = server.ask(method, path)

    assert (reply.status, reply.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"]
)
def test_a_body_that_is_said_to_be_something_else(server: Running, kind: str):
    reply = server.ask("POST", "/predict", written(), {"Content-Type": kind})

    assert (reply.status, reply.json["error"]) == (415, "wrong_content_type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_announced_in_other_words(server: Running, kind: str):
    assert server.ask("POST", "/predict", written(), {"Content-Type": kind}).status == 200


@pytest.mark.parametrize(("path", "most"), [("/predict", 64 * KIB), ("/predict/batch", 16 * MIB)])
def test_a_body_of_the_greatest_size_is_read(server: Running, path: str, most: int):
    body = written() if path == "/predict" else b"[" + written() + b"]"

    assert server.post(path, body.ljust(most)).status == 200


@pytest.mark.parametrize(("path", "most"), [("/predict", 64 * KIB), ("/predict/batch", 16 * MIB)])
def test_a_body_announced_too_large_is_refused_unread(server: Running, path: str, most: int):
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    announced = f"{head}Content-Length: {most + 1}\r\n\r\n".encode()

    # Not a byte of the body is sent.
    reply = exchange(server.port, announced)

    assert (reply.status, reply.json["error"]) == (413, "body_too_large")
    assert str(most) in reply.json["message"]
    assert reply.headers["connection"] == "close"


@pytest.mark.parametrize(("path", "most"), [("/predict", 64 * KIB), ("/predict/batch", 16 * MIB)])
def test_a_body_without_length_is_read_up_to_the_bound(server: Running, path: str, most: int):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = chunk * (most // 65536) + b"1\r\n \r\n"

    reply = exchange(server.port, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + body)

    assert (reply.status, reply.json["error"]) == (413, "body_too_large")


def test_a_body_may_come_in_chunks(server: Running):
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = written()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"

    reply = exchange(server.port, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)

    assert reply.status == 200
    assert reply.json["customer_id"] == "CUST001"


@pytest.mark.parametrize(("length", "expected"), [(len(written()), 100), (10 * MIB, 413)])
def test_a_client_may_ask_whether_to_send_its_body(server: Running, length: int, expected: int):
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    wanted = b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % length
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head + wanted)
        first = connection.recv(65536)
        assert first.startswith(b"HTTP/1.1 %d " % expected)
        if expected == 100:
            connection.sendall(written())
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_head_without_end_is_refused(server: Running):
    head = b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % i for i in range(20_000))

    reply = exchange(server.port, head)

    assert (reply.status, reply.json["error"]) == (431, "head_too_large")
