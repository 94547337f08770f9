"""The command line: what is told is taken, what is missing or unsafe is told, in one line."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from churn.errors import AddressTaken, ChurnError
from deploy.dispatcher.errors import (
    UnsafeApiUrl,
    UnusableRepository,
    UnusableSecret,
    UnusableState,
)
from deploy.dispatcher.main import arguments, github, serve
from tests.checkout import ROOT
from tests.deploy.dispatcher.running import GITHUB_TOKEN, TOKEN, secret


@pytest.fixture
def told(tmp_path: Path) -> dict[str, str]:
    """An environment in which the dispatcher would start."""
    return {
        "GITHUB_REPOSITORY": "acme/churn",
        "GITHUB_TOKEN_FILE": str(secret(tmp_path / "github_token", GITHUB_TOKEN)),
        "DISPATCHER_TOKEN_FILE": str(secret(tmp_path / "token", TOKEN)),
        "DISPATCHER_STATE": str(tmp_path / "episodes.json"),
    }


def test_without_a_word_it_listens_on_this_machine_and_asks_github_com():
    found = arguments([], {})
    assert (found.host, found.port, found.api_url) == ("127.0.0.1", 8010, "https://api.github.com")
    assert str(found.token_file) == "/etc/churn-dispatcher/token"
    assert str(found.github_token_file) == "/etc/churn-dispatcher/github_token"
    assert str(found.state) == "/var/lib/churn-dispatcher/episodes.json"


def test_the_environment_is_taken_and_the_command_line_goes_before_it(told: dict[str, str]):
    found = arguments(["--port", "9000", "--host", "::"], {**told, "PORT": "9001"})
    assert (found.host, found.port, found.repository) == ("::", 9000, "acme/churn")
    assert found.state == Path(told["DISPATCHER_STATE"])


@pytest.mark.parametrize(("name", "text"), [("host", "localhost"), ("port", "80"), ("port", "x")])
def test_an_address_that_is_none_is_refused(
    name: str, text: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit, match="2"):
        arguments([f"--{name}={text}"], {})
    assert f"argument --{name}: '{text}' is not allowed; give " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "churn", "acme/", "/churn", "acme/churn/x", "a b/c", "a/b\n"])
def test_a_repository_that_is_none_is_refused(name: str):
    with pytest.raises(UnusableRepository, match="names no repository"):
        github(arguments([f"--repository={name}"], {}))


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.github.com", "http://127.0.0.1.example.com", "api.github.com", "https://"),
        *(
            "https://me:secret@github.example.com",
            "https://x/?a=1",
            "ftp://x",
            "https://[x",
            "http:",
        ),
    ],
)
def test_an_address_at_which_the_token_is_not_safe_is_refused(url: str):
    with pytest.raises(
        UnsafeApiUrl, match="GITHUB_API_URL: the token would not be safe"
    ) as refused:
        github(arguments(["--repository=acme/churn", f"--api-url={url}"], {}))
    assert "secret" not in str(refused.value)


def test_github_enterprise_is_asked_at_its_own_address():
    url = "https://github.example.com/api/v3/"
    found = github(arguments(["--repository=acme/churn", f"--api-url={url}"], {}))
    assert found.api_url == "https://github.example.com/api/v3"


def without(name: str) -> Any:
    return lambda told: Path(told[name]).unlink()


@pytest.mark.parametrize(
    ("spoil", "error", "why"),
    [
        (without("GITHUB_TOKEN_FILE"), UnusableSecret, "github_token: it cannot be read"),
        (without("DISPATCHER_TOKEN_FILE"), UnusableSecret, "token: it cannot be read"),
        (
            lambda told: Path(told["GITHUB_TOKEN_FILE"]).write_text(f"{TOKEN}\n{GITHUB_TOKEN}\n"),
            *(UnusableSecret, "github_token: it has 2 secrets; there can be 1 to 1"),
        ),
        (
            lambda told: Path(told["DISPATCHER_STATE"]).write_text("[]"),
            *(UnusableState, r"episodes.json: it is broken \(Input should be an object"),
        ),
        (
            lambda told: told.update(DISPATCHER_STATE="/dev/null/episodes.json"),
            *(UnusableState, "episodes.json.*: Not a directory"),
        ),
    ],
)
def test_without_what_it_needs_it_does_not_start(
    told: dict[str, str], spoil: Any, error: type[ChurnError], why: str
):
    spoil(told)
    with pytest.raises(error, match=why):
        serve(arguments([], told))


def test_a_port_that_is_taken_is_told(told: dict[str, str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(AddressTaken, match=f"PORT={port}: 127.0.0.1:{port} cannot be listened"):
            serve(arguments(["--port", port], told))


def test_a_mistake_is_one_line(told: dict[str, str]):
    without("GITHUB_TOKEN_FILE")(told)
    del told["GITHUB_REPOSITORY"]
    done = subprocess.run(
        ["make", "-s", "dispatcher", "GITHUB_REPOSITORY=acme/churn"],
        cwd=ROOT,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    error, makes_own = done.stderr.splitlines()
    assert error.startswith(f"error: {told['GITHUB_TOKEN_FILE']}: it cannot be read")
    assert makes_own.startswith("make: *** ")


class Asked(dict[str, str]):
    """An environment that remembers what was looked for."""

    def get(self, name: str, default: Any = None) -> Any:
        self[name] = ""
        return default


def test_the_readme_names_every_variable_and_what_holds_without_it():
    asked = Asked()
    found = vars(arguments([], asked))
    text = (ROOT / "deploy/README.md").read_text()
    table = text.partition("| what | variable | otherwise |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([A-Z_]+)`", table)) == set(asked)
    assert not [one for one in map(str, found.values()) if one not in table]
