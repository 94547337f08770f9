"""docker-compose.yml as it is written; tests/stack runs it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.deploy.running import DEPLOY, read_yaml

COMPOSE: dict[str, Any] = read_yaml(ROOT / "docker-compose.yml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {"api-1", "api-2", "mlflow"}
# Which secrets each of them is given: no more than it must know.
GIVEN = {
    "api-1": {"api_keys", "log_password"},
    "api-2": {"api_keys", "log_password"},
    "postgres": {"postgres_password", "log_password", "mlflow_password"},
    "mlflow": {"mlflow_password"},
    "grafana": {"grafana_password"},
}


@pytest.mark.parametrize("service", [one for one in SERVICES if one not in OURS])
def test_an_image_of_others_has_a_version_and_a_digest(service):
    name = r"[a-z]+(/[a-z]+)?:v?\d+\.\d+(\.\d+)?(-alpine)?@sha256:[0-9a-f]{64}"
    assert re.fullmatch(name, SERVICES[service]["image"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_knows_no_secret_but_its_own(service):
    assert {*SERVICES[service].get("secrets", [])} == GIVEN.get(service, set())


def test_every_secret_is_written_by_make_secrets(tmp_path):
    from commands.stack.secrets import write

    written = {f"secrets/{name}" for name in write(tmp_path / "secrets")}
    files = {one["file"] for one in COMPOSE["secrets"].values()}
    assert written == {*files, "secrets/alertmanager/dispatcher_token"}


def test_no_password_stands_anywhere():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("/run/secrets/"), name
            assert not re.search(r"://[^/@]*:[^/@]*@", value), name


def test_services_that_need_not_talk_share_no_network():
    networks = {name: {*one["networks"]} for name, one in SERVICES.items()}
    for one, other in (
        ("postgres", "load-balancer"),
        ("postgres", "prometheus"),
        ("postgres", "grafana"),
        ("mlflow", "api-1"),
        ("mlflow", "prometheus"),
        ("grafana", "api-1"),
        ("grafana", "load-balancer"),
    ):
        assert not networks[one] & networks[other], (one, other)


def test_only_who_publishes_a_port_reaches_beyond_this_machine():
    internal = {name for name, one in COMPOSE["networks"].items() if one.get("internal")}
    outside = {name for name, one in SERVICES.items() if {*one["networks"]} - internal}
    assert outside == {name for name, one in SERVICES.items() if "ports" in one}


def test_names_in_the_configurations_are_services():
    known = {*SERVICES, "dispatcher"}
    prometheus = (DEPLOY / "prometheus/prometheus.yml").read_text()
    named = re.findall(r'"([a-z0-9-]+):\d+"', prometheus)
    assert len(named) == 4
    assert {*named} <= known
    balancer = (DEPLOY / "load-balancer/haproxy.cfg").read_text()
    assert {*re.findall(r"^  server (\S+)", balancer, re.MULTILINE)} == {"api-1", "api-2"}


def test_every_file_that_is_mounted_is_there():
    binds = [volume for one in SERVICES.values() for volume in one.get("volumes", [])]
    paths = [one.partition(":")[0] for one in binds if isinstance(one, str) and one[0] == "."]
    assert len(paths) == 7
    assert all((ROOT / path).exists() for path in paths)


def test_metrics_are_asked_where_they_are():
    (port,) = {SERVICES[one]["environment"]["METRICS_PORT"] for one in ("api-1", "api-2")}
    assert f'"api-1:{port}", "api-2:{port}"' in (DEPLOY / "prometheus/prometheus.yml").read_text()
    assert f"check port {port} " in (DEPLOY / "load-balancer/haproxy.cfg").read_text()
    # The load balancer leads to another one.
    assert f"server api-1 api-1:{port}" not in (DEPLOY / "load-balancer/haproxy.cfg").read_text()


def test_the_requirements_of_mlflow_have_hashes():
    text = Path(DEPLOY / "mlflow/requirements.txt").read_text()
    assert len(re.findall(r"^[a-z0-9-]+(\[\w+\])?==", text, re.MULTILINE)) > 50
    assert "--hash=sha256:" in text
