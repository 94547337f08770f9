"""The health check of a container: it exits as docker wants it to, and needs no shell."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.checkout import ROOT
from tests.ports import free_port
from tests.serve.conftest import Model, Serving
from tests.serve.running import Running
from tests.waiting import until


def checked(**environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serve.healthcheck"]
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_server_that_would_answer_is_healthy(server: Running):
    done = checked(PORT=str(server.port))
    assert (done.returncode, done.stderr) == (0, "")


def test_where_nobody_listens_it_is_not():
    port = str(free_port())
    done = checked(PORT=port)
    assert done.returncode == 1
    assert done.stderr.startswith(f"port {port}: ")
    assert "Traceback" not in done.stderr


def test_probes_may_have_a_port_of_their_own(serving: Serving, telco: Model):
    port = str(free_port())
    server = serving(telco, environment={"METRICS_PORT": port})
    until(lambda: checked(PORT=str(server.port), METRICS_PORT=port).returncode == 0, "healthy")
    # The main port has no probes then.
    assert checked(PORT=str(server.port)).returncode == 1


@pytest.mark.parametrize("name", ["PORT", "METRICS_PORT"])
def test_a_port_that_is_none_is_unhealthy(name: str):
    done = checked(**{name: "https"})
    assert done.returncode == 1
