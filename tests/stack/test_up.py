"""The stack as it comes up: well, reachable where it should be, and nowhere else."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from commands.image import engine
from tests.readme import section
from tests.serve.running import Address
from tests.stack.conftest import SMOKE
from tests.stack.stack import PUBLISHED, SERVICES, Stack

pytestmark = pytest.mark.stack

REACHES = "import socket; socket.create_connection(({host!r}, {port}), timeout=3)"
INSIDE = {"load-balancer": 8000, "mlflow": 5000, "grafana": 3000, "alertmanager": 9093}


def test_every_service_is_well(stack: Stack):
    assert {one: stack.is_well(one) for one in SERVICES} == dict.fromkeys(SERVICES, True)


def test_make_smoke_finds_what_it_sent_at_every_end(stack: Stack):
    told = stack.checkout.run(*shlex.split(SMOKE))

    assert f"```text\n{told}```" in section("The whole stack")


def test_ports_are_published_on_this_machine_only(stack: Stack):
    for service in SERVICES:
        ports = stack.inspect(service)["HostConfig"]["PortBindings"] or {}
        bound = {(name, one["HostIp"]) for name, all_ in ports.items() for one in all_}
        expected = {(f"{PUBLISHED[service]}/tcp", "127.0.0.1")} if service in PUBLISHED else set()
        assert bound == expected, service


def test_metrics_are_not_for_callers(stack: Stack):
    assert stack.api().get("/metrics").status == 404
    assert Address(stack.ports["load-balancer"]).post("/predict", {}).status == 401


@pytest.mark.parametrize(
    ("host", "port", "is_reached"),
    [
        ("postgres", 5432, True),
        ("mlflow", 5000, False),
        ("grafana", 3000, False),
        ("alertmanager", 9093, False),
        # Nor anything outside, by its address: no name is needed for that.
        ("1.1.1.1", 443, False),
    ],
)
def test_a_server_reaches_its_database_and_nothing_else(stack: Stack, host, port, is_reached):
    code = REACHES.format(host=host, port=port)
    command = ("exec", stack.container("api-1"), "/usr/bin/python3", "-c", code)
    if is_reached:
        engine.docker(*command)
    else:
        with pytest.raises(engine.EngineFailed, match=r"gaierror|Network is unreachable"):
            engine.docker(*command)


def test_mlflow_does_not_reach_the_servers(stack: Stack):
    for host, port in {"api-1": 8000, "prometheus": 9090}.items():
        code = REACHES.format(host=host, port=port)
        with pytest.raises(engine.EngineFailed, match="gaierror"):
            engine.docker("exec", stack.container("mlflow"), "python", "-c", code)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_rights_and_limits(stack: Stack, service):
    found = stack.inspect(service)
    host = found["HostConfig"]

    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["PidsLimit"] > 0
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    status = Path(f"/proc/{found['State']['Pid']}/status").read_text()
    users = status.partition("\nUid:\t")[2].partition("\n")[0].split()
    assert "0" not in users


def test_no_password_is_in_an_environment_or_a_command_line(stack: Stack):
    folder = stack.checkout.folder / "secrets"
    secrets = [path.read_text().strip() for path in folder.rglob("*") if path.is_file()]
    assert len(secrets) == 6

    for service in SERVICES:
        told = str(stack.inspect(service))
        assert not [one for one in secrets if one in told], service


def test_each_role_enters_its_own_database_only(stack: Stack):
    allowed = stack.query(
        "SELECT datname, rolname FROM pg_database, pg_roles"
        " WHERE rolcanlogin AND NOT rolsuper AND datname IN ('churn', 'mlflow')"
        " AND has_database_privilege(rolname, datname, 'CONNECT');"
    )

    assert sorted(allowed) == ["churn|churn", "mlflow|mlflow"]


def test_the_administrator_of_grafana_has_no_usual_password(stack: Stack):
    body = {"queries": [{"refId": "A", "datasource": {"uid": "churn-prometheus"}, "expr": "up"}]}
    grafana = Address(stack.ports["grafana"])

    assert grafana.post("/api/ds/query", body, Authorization="Basic YWRtaW46YWRtaW4=").status == 401


def test_prometheus_asks_every_replica(stack: Stack):
    found = {one["metric"]["instance"] for one in stack.series('up{job="churn"}==1')}

    assert found == {"api-1:9090", "api-2:9090"}
