"""What README.md shows of the container runs as it stands there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.image import engine
from tests.image.conftest import Inside
from tests.ports import free_port
from tests.readme import BLOCKS
from tests.serve.running import Address
from tests.waiting import until

pytestmark = pytest.mark.image

SHOWN = next(text for language, text in BLOCKS if language == "sh" and "docker run" in text)


@pytest.fixture
def started(image: str, volume: str, tmp_path: Path) -> Iterator[tuple[Address, str]]:
    """The container that the page starts, and the key that it makes."""
    address = Address(free_port())
    command = SHOWN.replace("churn:v1.2.0", image).replace("churn-log:", f"{volume}:")
    command = command.replace("127.0.0.1:8000:", f"127.0.0.1:{address.port}:")
    command = command.replace("--name churn ", "")
    assert command.count(image) == command.count(volume) == 1
    done = subprocess.run(
        ["sh", "-euc", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    container = done.stdout.strip()
    try:
        yield address, (tmp_path / "secrets/api_keys").read_text().strip().partition(":")[2]
    finally:
        engine.docker("rm", "--force", container)


def test_what_the_page_starts_answers_who_has_the_key(started: tuple[Address, str], inside: Inside):
    address, key = started
    customer = inside.requests[0]

    def is_ready() -> bool:
        try:
            return address.get("/ready").status == 200
        except OSError:
            return False

    until(is_ready, "ready")

    assert address.post("/predict", customer, X_API_Key=key).status == 200
    assert address.post("/predict", customer).status == 401


def test_the_page_locks_it_down_as_the_tests_do():
    given = re.sub(r"\s*\\\n\s*", " ", SHOWN)
    for option in (
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--tmpfs /tmp",
    ):
        assert option in given
