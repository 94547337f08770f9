"""Two released versions, for the tests of what comes after a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn.params import read_parameters
from commands.release import release
from tests.checkout import Checkout


@pytest.fixture(scope="session")
def two_released(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """v1.1.0 is the small model, v1.0.0, which is checked out, one that asks a single question.

    Not to be changed: take a `registry`.
    """
    checkout = reproduced.copied(tmp_path_factory.mktemp("released") / "checkout")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout.folder)
        release("v1.1.0", read_parameters(Path("params.yaml")))
        worse = {"n_estimators": 1, "max_depth": 1}
        checkout.change_yaml("conf/model/xgboost.yaml", lambda it: it.update(worse))
        checkout.compose()
        checkout.run("dvc", "repro", "-q")
        checkout.commit("a single question")
        release("v1.0.0", read_parameters(Path("params.yaml")))
    return checkout


@pytest.fixture
def registry(two_released: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A copy of `two_released` for one test, which runs in its folder."""
    checkout = two_released.copied(tmp_path / "checkout")
    monkeypatch.chdir(checkout.folder)
    return checkout
