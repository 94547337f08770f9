"""The stack under test: started once, with what make secrets and make image have made."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from commands.stack.services import compose
from tests.checkout import Checkout
from tests.engine import remove_images, users_engine
from tests.readme import section, sessions
from tests.stack.stack import SERVICES, Stack, stand_ins

PROJECT = f"churn-test-{uuid.uuid4().hex[:8]}"
OLD, NEW = "v1.2.0", "v1.3.0"
# What README.md shows: how it is started, and what tries it; how a new model takes over.
(*START, SMOKE), ROLLOUT = sessions(section("The whole stack"))


@pytest.fixture(scope="session", autouse=True)
def with_engine(own_world: None) -> Iterator[None]:
    """The user's engine."""
    with users_engine("IMAGE", "MODEL", "CHURN_IMAGE", "BIND", "COMPOSE_FILE"):
        yield


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line for whoever runs the tests."""
    plugins = request.config.pluginmanager
    terminal, capture = (plugins.getplugin(one) for one in ("terminalreporter", "capturemanager"))

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(text)

    return line


@pytest.fixture(scope="session")
def instead(with_engine: None, say: Callable[[str], None]) -> dict[str, str]:
    """Images that stand in for those that cannot be had, by service; says which."""
    found = stand_ins()
    for service in found:
        say(f"stand-in: {service}, for {SERVICES[service]['image'].partition('@')[0]}")
    return found


@pytest.fixture(scope="session")
def released(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout with two versions, of the same model: answers say which one gave them."""
    checkout = reproduced.copied(tmp_path_factory.mktemp("stack") / "checkout")
    for version in (OLD, NEW):
        checkout.run("git", "commit", "--quiet", "--allow-empty", f"--message={version}")
        checkout.run("git", "tag", f"churn@{version}")
    return checkout


@pytest.fixture(scope="session")
def stack(released: Checkout, instead: dict[str, str]) -> Iterator[Stack]:
    """All services, started as README.md has it; the model is the old one."""
    released.run("git", "checkout", "--quiet", f"churn@{OLD}")
    with pytest.MonkeyPatch.context() as patch:
        running = Stack(released, PROJECT, instead)
        for name, value in {**running.environment, "IMAGE": PROJECT, "MODEL": OLD}.items():
            patch.setenv(name, value)
        running.serve("latest")
        try:
            for command in START:
                released.run(*shlex.split(command))
            yield running
        finally:
            compose("down", "--volumes", "--timeout=5")
            remove_images(PROJECT)


@pytest.fixture(scope="session")
def customer(stack: Stack) -> dict[str, Any]:
    """A customer as the model wants one."""
    document = stack.api().get("/openapi.json").json
    found: dict[str, Any] = document["components"]["schemas"]["Customer"]["examples"][0]
    return found
