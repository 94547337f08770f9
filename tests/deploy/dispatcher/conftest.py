"""A dispatcher and its GitHub, for all tests of a file: each test has models of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.dispatcher import running
from tests.deploy.dispatcher.running import Dispatcher, GitHub


@pytest.fixture(scope="module")
def github() -> Iterator[GitHub]:
    with running.github() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def dispatcher(github: GitHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dispatcher]:
    one = Dispatcher(tmp_path_factory.mktemp("dispatcher"), github.url)
    yield one
    one.kill()
