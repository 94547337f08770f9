"""Secrets: the right ones are let in, and a file that gives them away is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.dispatcher.errors import UnusableSecret
from deploy.dispatcher.secret_files import MOST, is_let_in, read_secrets
from tests.deploy.dispatcher.running import secret

ONE, OTHER = "correct-horse-battery", "staple-0123456789abc"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two secrets."""
    return secret(tmp_path_factory.mktemp("secrets") / "token", f"{ONE}\n\n  {OTHER}\r")


def test_each_secret_of_a_file_is_let_in(path: Path):
    assert read_secrets(path) == (ONE, OTHER)
    assert is_let_in(f"Bearer {ONE}", path)
    assert is_let_in(f"bearer  {OTHER}", path)
    assert not is_let_in(None, path)


@given(st.text(max_size=60))
def test_nothing_else_is_let_in(path: Path, text: str):
    assert not is_let_in(text, path)
    assert is_let_in(f"Bearer {text}", path) == (text.strip() in (ONE, OTHER))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has 0 secrets; there can be 1 to 8"),
        ("\n".join([ONE] * (MOST + 1)), "it has 9 secrets; there can be 1 to 8"),
        ("short", "secret 1 is not 16 to 512 printable characters"),
        (f"{ONE}\nwith a space in the middle", "secret 2 is not 16 to 512 printable characters"),
        ("schlüssel-schlüssel", "secret 1 is not 16 to 512 printable characters"),
        ("x" * 513, "secret 1 is not 16 to 512 printable characters"),
        ("x" * 9000, "it has more than 8192 bytes"),
    ],
    ids=lambda one: one[:20],
)
def test_a_file_without_proper_secrets_is_told_without_them(tmp_path: Path, text: str, why: str):
    path = secret(tmp_path / "token", text)
    with pytest.raises(UnusableSecret, match=f"{re.escape(str(path))}: {why}") as refused:
        read_secrets(path)
    assert "schl" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o644, 0o777])
def test_a_file_that_is_everybodys_is_refused(tmp_path: Path, mode: int):
    path = secret(tmp_path / "token", ONE)
    path.chmod(mode)
    with pytest.raises(UnusableSecret, match=rf"everybody may use it \(mode 0{mode:o}\).*chmod o="):
        read_secrets(path)
    path.chmod(0o640)  # the group's, such as Alertmanager's
    assert read_secrets(path) == (ONE,)


def test_a_folder_in_its_place_is_told(tmp_path: Path):
    with pytest.raises(UnusableSecret, match=r"it cannot be read \(Is a directory\)"):
        read_secrets(tmp_path)
