"""Two released versions, for the tests of what comes after a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn.params import read_parameters
from commands.release import release
from tests.checkout import Checkout
from tests.once import made_once


@pytest.fixture(scope="session")
def two_released(two_models: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """v1.1.0 is the small model, v1.0.0, which is checked out, one that asks a single question.

    Not to be changed: take a `registry`.
    """

    def make(checkout: Checkout) -> None:
        two_models.copied(checkout.folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(checkout.folder)
            for revision, version in {"HEAD~1": "v1.1.0", "main": "v1.0.0"}.items():
                checkout.run("git", "checkout", "-q", revision)
                checkout.run("dvc", "checkout", "-q")
                release(version, read_parameters(Path("params.yaml")))

    return made_once("two_released", tmp_path_factory, make)


@pytest.fixture
def registry(two_released: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A copy of `two_released` for one test, which runs in its folder."""
    checkout = two_released.copied(tmp_path / "checkout")
    monkeypatch.chdir(checkout.folder)
    return checkout
