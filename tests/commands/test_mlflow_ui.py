"""make mlflow: what it says where there is nothing to serve."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, Checkout


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    return Checkout(tmp_path)


def ui(checkout: Checkout, uri: str, *port: str):
    checkout.change_params(lambda content: content["tracking"].update(uri=uri))
    return checkout.attempt(sys.executable, "-m", "commands.mlflow_ui", *port)


def test_a_server_has_pages_of_its_own(folder: Checkout):
    done = ui(folder, "https://me:hunter2@mlflow.example")

    assert done.stdout == "The runs are on a server: https://***@mlflow.example\n"


def test_before_the_first_run_there_is_nothing_to_see(folder: Checkout):
    done = ui(folder, "sqlite:///mlruns/mlflow.db")

    assert done.returncode == 1
    assert "mlruns/mlflow.db: no run is logged yet. Log one with make repro." in done.stderr


def test_a_port_in_use_is_told(folder: Checkout):
    (folder.folder / "runs.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = ui(folder, "sqlite:///runs.db", str(port))

    assert done.returncode == 1
    told = f"error: port {port} is in use. Name another: make mlflow PORT={port + 1}\n"
    assert done.stderr == told


def test_a_mistake_in_the_parameters_is_one_line(folder: Checkout):
    done = ui(folder, "")

    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: tracking.uri: '' is not allowed")
