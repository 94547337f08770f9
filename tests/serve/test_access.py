"""Who gets in: keys, limits, origins, addresses."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.serve.conftest import Model, Serving
from tests.serve.raw import exchange
from tests.serve.running import Address, Running
from tests.serve.test_api import SHORT
from tests.waiting import until

CRM, BI, ADMIN = "crm-0123456789abcdef", "bi-0123456789abcdef", "admin-0123456789abcdef"
KEYS = {"CHURN_API_KEYS": f"crm:{CRM}, {BI},admin:{ADMIN}"}
ORIGIN = "https://crm.example.com"


@pytest.fixture(scope="module")
def locked(serving_all: Serving, telco: Model) -> Iterator[Running]:
    """A server with three keys and an origin, one process."""
    yield serving_all(telco, environment=KEYS, cors_origins=[ORIGIN], processes=1)


@pytest.mark.parametrize("key", [CRM, BI, ADMIN])
def test_every_key_is_let_in(locked: Running, key: str):
    assert locked.post("/predict", SHORT, X_API_Key=key).status == 200
    assert locked.get("/info", X_API_Key=key).status == 200


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/info", "/admin/reload"])
@pytest.mark.parametrize("given", [{}, {"X_API_Key": CRM[:-1]}, {"X_API_Key": ""}])
def test_nobody_else_is(locked: Running, path: str, given: dict[str, str]):
    ask = locked.get if path == "/info" else lambda *a, **h: locked.post(*a, SHORT, **h)

    reply = ask(path, **given)

    assert (reply.status, reply.json["error"]) == (401, "not_authorised")
    assert reply.headers["www-authenticate"] == "X-API-Key"


def test_who_is_not_let_in_is_not_read(locked: Running):
    reply = locked.post("/predict", b"not read", X_API_Key="wrong")

    assert reply.status == 401


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/openapi.json"])
def test_probes_and_pages_need_no_key(locked: Running, path: str):
    assert locked.get(path).status == 200


def test_the_description_says_that_a_key_is_needed(locked: Running, server: Running):
    needs = locked.get("/openapi.json").json["paths"]["/predict"]["post"].get("security")

    assert needs == [{"key": []}]
    assert "security" not in server.get("/openapi.json").json["paths"]["/predict"]["post"]


def test_only_the_admin_may_command(locked: Running, server: Running, telco: Model):
    refused = locked.post("/admin/reload", b"", X_API_Key=CRM)
    done = locked.post("/admin/reload", b"", X_API_Key=ADMIN)

    assert (refused.status, refused.json["error"]) == (403, "needs_admin_key")
    assert (done.status, done.json) == (200, {"model_version": telco.version})
    assert server.post("/admin/reload", b"").status == 403


def test_keys_are_in_no_log_and_no_memory_of_the_answering_process(locked: Running):
    locked.post("/predict", SHORT, X_API_Key=CRM)
    locked.post("/predict", SHORT, X_API_Key="wrong-0123456789abcdef")
    until(lambda: locked.lines(path="/predict", key="crm"), "the line of the request")

    for key in (CRM, BI, ADMIN, "wrong-0123456789abcdef"):
        assert key not in locked.log()


def test_a_web_page_of_the_origin_may_call(locked: Running):
    asks = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    wanted = {**asks, "Access-Control-Request-Headers": "content-type,x-api-key"}

    preflight = locked.ask("OPTIONS", "/predict", headers=wanted)
    reply = locked.post("/predict", SHORT, X_API_Key=CRM, Origin=ORIGIN)

    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "x-api-key" in preflight.headers["access-control-allow-headers"].lower()
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-ID" in reply.headers["access-control-expose-headers"]


def test_errors_reach_the_web_page_too(locked: Running):
    reply = locked.post("/predict", {}, X_API_Key=CRM, Origin=ORIGIN)

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (422, ORIGIN)


def test_other_web_pages_may_not(locked: Running, server: Running):
    for one in (locked, server):
        reply = one.get("/health", Origin="https://evil.example")
        assert "access-control-allow-origin" not in reply.headers


def test_keys_come_from_a_file_and_can_be_replaced(serving: Serving, telco: Model, tmp_path: Path):
    file = tmp_path / "keys"
    file.write_text(f"# those who may call\nold:{CRM}\n\nadmin:{ADMIN}\n")
    server = serving(telco, environment={"CHURN_API_KEYS_FILE": str(file)})
    file.write_text(f"new:{BI}\nadmin:{ADMIN}\n")
    before = [server.get("/info", X_API_Key=key).status for key in (CRM, BI)]

    assert server.post("/admin/reload", b"", X_API_Key=ADMIN).status == 200

    assert before == [200, 401]
    assert [server.get("/info", X_API_Key=key).status for key in (CRM, BI)] == [401, 200]


def test_a_key_has_its_requests_a_second_over_all_processes(serving: Serving, telco: Model):
    server = serving(telco, environment=KEYS, requests_per_second=0.1)

    first = server.post("/predict", SHORT, X_API_Key=CRM)
    others = [server.post("/predict", SHORT, X_API_Key=CRM) for _ in range(10)]
    another = server.post("/predict", SHORT, X_API_Key=BI)

    assert (first.status, another.status) == (200, 200)
    assert {one.status for one in others} == {429}
    assert all(1 <= int(one.headers["retry-after"]) <= 10 for one in others)
    assert others[0].json["error"] == "rate_limited"
    assert server.get("/ready").status == 200


ANYWHERE = "0.0.0.0"  # noqa: S104 - what the server is to refuse


@pytest.mark.parametrize("host", [ANYWHERE, "::"])
def test_other_machines_are_not_let_in_without_keys(settled, telco: Model, host: str):
    done = settled(telco.folder, "--host", host).refused()

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: HOST={host}: without keys the server listens on")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "environment"), [(["--insecure"], {}), ([], KEYS)], ids=["insecure", "keys"]
)
def test_they_are_with_keys_or_when_told(
    serving: Serving, telco: Model, arguments: list[str], environment: dict[str, str]
):
    server = serving(telco, "--host", ANYWHERE, *arguments, environment=environment)

    assert server.get("/ready").status == 200


def test_without_being_told_it_listens_on_this_machine_only(server: Running):
    tcp = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    rows = [one.split() for lines in tcp for one in lines]
    listening = [one[1] for one in rows if one[3] == "0A"]

    mine = [one for one in listening if one.endswith(f":{server.port:04X}")]
    assert mine == [f"0100007F:{server.port:04X}"]


def test_probes_may_have_a_port_of_their_own(serving: Serving, telco: Model):
    port = free_port()
    server = serving(telco, environment={**KEYS, "METRICS_PORT": str(port)})
    own = Address(port)

    until(lambda: own.get("/ready").status == 200, "ready")
    assert own.get("/health").json == {"status": "healthy", "model_loaded": True}
    server.post("/predict", SHORT, X_API_Key=CRM)
    name = 'churn_requests_total{endpoint="/predict",status="200"}'
    until(lambda: own.metric(name) == 1, "the request is counted")
    for path in ("/health", "/ready", "/metrics"):
        assert server.get(path).status == 404
    refused = own.get("/info")
    assert (refused.status, refused.json["error"]) == (404, "not_found")
    assert own.ask("HEAD", "/health").status == 200
    assert [own.ask(one, "/health").status for one in ("POST", "BREW")] == [405, 405]
    assert exchange(port, b"nonsense\r\n\r\n").status == 400
    assert exchange(port, b"GET / HTTP/9.9\r\n\r\n").status == 400


@pytest.mark.parametrize("name", ["PORT", "METRICS_PORT"])
def test_a_port_in_use_is_one_line(settled, telco: Model, name: str):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        option = {"PORT": "--port", "METRICS_PORT": "--metrics-port"}[name]
        done = settled(telco.folder, option, str(port)).refused()

    assert done.returncode == 1
    errors = [one for one in done.stderr.splitlines() if one.startswith("error: ")]
    assert errors == [
        f"error: {name}={port}: 127.0.0.1:{port} cannot be listened on; it is in use. "
        f"Name another: {name}={port + 1}"
    ]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"CHURN_API_KEYS": "short"}, "key 1 is shorter than 16 ASCII characters"),
        ({"CHURN_API_KEYS_FILE": "/nowhere/keys"}, "it cannot be read"),
    ],
)
def test_weak_or_absent_keys_are_one_line(settled, telco: Model, keys: dict[str, str], why: str):
    done = settled(telco.folder, environment=keys).refused()

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {next(iter(keys.items()))[0]}") or "keys:" in done.stderr
    assert why in done.stderr
    assert done.stderr.count("\n") == 1


def test_requests_are_counted_over_all_processes(serving: Serving, telco: Model):
    server = serving(telco)

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: server.post("/predict", SHORT), range(200)))
    refused = [server.post("/predict", {**SHORT, "age": 7}) for _ in range(5)]
    server.post("/predict/batch", [SHORT] * 30)
    server.post("/predict/batch", [SHORT] * 3000)

    assert {one.status for one in replies} == {200}
    assert {one.status for one in refused} == {422}
    counted = 'churn_requests_total{endpoint="/predict",status='
    until(lambda: server.metric(f'{counted}"200"}}') == 200, "200 requests")
    until(lambda: server.metric(f'{counted}"422"}}') == 5, "5 refused")
    seconds = 'churn_request_seconds_count{endpoint="/predict"}'
    until(lambda: server.metric(seconds) == 205, "205 durations")
    assert server.metric('churn_invalid_values_total{field="age"}') == 5
    assert server.metric("churn_predictions_total{") == 200 + 30 + 3000
    assert server.metric("churn_model_info{") == 1
    kind = server.get("/metrics").headers["content-type"]
    assert kind.startswith("text/plain; version=0.0.4")


def test_the_log_is_json_without_what_was_sent(server: Running):
    secret = {**SHORT, "customer_id": "Secretive", "total_charges": 577123.25}

    server.post("/predict", secret, X_Request_ID="log-1")
    server.post("/predict", {**secret, "age": "Geheimnis"}, X_Request_ID="log-2")
    server.post("/predict/batch", [secret, 1], X_Request_ID="log-3")

    # Each process writes its own lines, so the third may be there before the first.
    for name in ("log-2", "log-3"):
        until(lambda name=name: server.lines(request_id=name), f"the line of {name}")
    [line] = until(lambda: server.lines(request_id="log-1"), "the line of log-1")
    assert line["event"] == "request"
    assert (line["method"], line["path"], line["status"]) == ("POST", "/predict", 200)
    assert line["ms"] > 0
    assert [one["status"] for one in server.lines(request_id="log-2")] == [422]
    assert not [word for word in ("Secretive", "577123", "Geheimnis") if word in server.log()]


def test_the_log_has_what_was_sent_if_asked_for(serving: Serving, telco: Model):
    server = serving(telco, log_requests=True, processes=1)

    server.post("/predict", SHORT, X_Request_ID="log-1")

    [line] = until(lambda: server.lines(request_id="log-1"), "the line of the request")
    assert "CUST001" in line["content"]
