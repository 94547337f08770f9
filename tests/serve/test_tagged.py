"""`make serve MODEL=…`: the model of a tag, whatever is checked out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from churn.bundle import Bundle
from tests.checkout import Checkout
from tests.ports import free_port
from tests.serve.by_make import served_by_make
from tests.serve.running import Address


@pytest.fixture
def served(tagged: Checkout, tmp_path: Path) -> Iterator[Address]:
    """The model in production, served as a user would."""
    with served_by_make(tagged.folder, tmp_path / "log", MODEL="prod") as server:
        yield server


def test_the_model_in_production_is_served_under_its_version(tagged: Checkout, served: Address):
    info = served.get("/info").json

    assert info["model_version"] == "v1.2.0"
    assert info["bundle_sha256"] != Bundle.load(tagged.folder / "models/churn").sha256
    # What was measured of it then, not of the model that is there now.
    auc = info["metrics"]["metrics"]["roc_auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert info["metrics"]["customers"] > info["metrics"]["churners"] > 0


def test_a_name_that_is_none_is_one_error(reproduced: Checkout):
    done = reproduced.attempt("make", "serve", "MODEL=v9.9.9", f"PORT={free_port()}")

    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0
    assert len(told) == 1
    assert "MODEL=v9.9.9: it is no folder with a bundle, and no git tag churn@v9.9.9" in told[0]
    assert "Traceback" not in done.stderr
