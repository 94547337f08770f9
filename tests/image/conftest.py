"""The image under test: the one that `IMAGE_UNDER_TEST` names, or one that is built here."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from churn.bundle import Bundle
from commands.image import engine
from tests.checkout import Checkout
from tests.engine import remove_images, users_engine
from tests.image.contained import Contained, place_of

UNDER_TEST = os.environ.get("IMAGE_UNDER_TEST")
VERSION = "v1.2.0"


@pytest.fixture(scope="session", autouse=True)
def with_engine(own_world: None) -> Iterator[None]:
    """The user's engine."""
    with users_engine("IMAGE", "MODEL", "IMAGE_UNDER_TEST"):
        yield


@pytest.fixture(scope="session")
def released(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose model is a version, and in production."""
    checkout = reproduced.copied(tmp_path_factory.mktemp("released") / "checkout")
    for tag in (f"churn@{VERSION}", "churn#prod#1"):
        checkout.run("git", "tag", tag)
    return checkout


@pytest.fixture(scope="session")
def name() -> Iterator[str]:
    """A name for images that nobody else has; they are removed in the end."""
    name = f"churn-test-{uuid.uuid4().hex[:8]}"
    yield name
    remove_images(name)


def build(checkout: Checkout, *variables: str) -> str:
    """make image; what it prints, the name of the image."""
    return checkout.run("make", "--silent", "image", *variables).strip()


@pytest.fixture(scope="session")
def image(request: pytest.FixtureRequest, name: str) -> str:
    """Name of the image under test."""
    if UNDER_TEST:
        return engine.require_image(UNDER_TEST)
    released = request.getfixturevalue("released")
    return build(released, f"MODEL={VERSION}", f"IMAGE={name}")


@dataclass(frozen=True)
class Inside:
    """The model in the image, and its golden customers as requests have them."""

    bundle: Bundle
    folder: Path
    requests: list[dict[str, Any]]


@pytest.fixture(scope="session")
def inside(image: str, tmp_path_factory: pytest.TempPathFactory) -> Inside:
    """What the image was given."""
    folder = tmp_path_factory.mktemp("inside") / "model"
    with engine.created(image) as container:
        engine.docker("cp", f"{container}:/app/models/churn", str(folder))
    bundle = Bundle.load(folder)
    return Inside(bundle, folder, _requests(bundle))


def _requests(bundle: Bundle) -> list[dict[str, Any]]:
    contract, golden = bundle.manifest.contract, bundle.golden
    assert golden
    as_json = {"integer": int, "number": float, "boolean": bool, "category": str}
    return [
        {
            **({contract.id: f"C{i}"} if contract.id else {}),
            **{
                name: as_json[contract.columns[name].type](values[i])
                for name, values in golden.columns.items()
                if values[i] is not None
            },
        }
        for i in range(len(golden.probabilities))
    ]


Running = Callable[..., Contained]


@pytest.fixture
def running(image: str, volume: str) -> Iterator[Running]:
    """Starts containers for one test, all with the same volume."""
    containers: list[Contained] = []

    def start(*options: str, **more: Any) -> Contained:
        containers.append(Contained(image, place_of(volume), *options, **more))
        return containers[-1]

    yield start
    for one in containers:
        one.remove()


@pytest.fixture
def volume() -> Iterator[str]:
    """An empty volume."""
    name = engine.docker("volume", "create")
    yield name
    engine.docker("volume", "rm", name)


@pytest.fixture(scope="session")
def server(image: str) -> Iterator[Contained]:
    """A container for tests that leave it as it is."""
    volume = engine.docker("volume", "create")
    container = Contained(image, place_of(volume))
    yield container
    container.remove()
    engine.docker("volume", "rm", volume)
