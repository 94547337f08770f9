"""GitHub's API: what it is sent, and what is told when it does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.dispatcher import github as module
from deploy.dispatcher.errors import NotDispatched, UnusableSecret
from deploy.dispatcher.github import GitHub
from tests.deploy.dispatcher import running
from tests.deploy.dispatcher.running import GITHUB_TOKEN, secret
from tests.ports import free_port


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return secret(tmp_path / "github_token", GITHUB_TOKEN)


def test_it_is_asked_as_its_documentation_says(github: running.GitHub, token_file: Path):
    GitHub(github.url, "acme/churn", token_file).dispatch({"model_version": "asked"})
    (asked,) = github.of("asked")
    assert asked.path == "/repos/acme/churn/dispatches"
    assert asked.content == {
        "event_type": "drift-alarm",
        "client_payload": {"model_version": "asked"},
    }
    assert asked.headers["Accept"] == "application/vnd.github+json"
    assert asked.headers["X-GitHub-Api-Version"] == "2022-11-28"


def test_the_token_is_the_files_whatever_netrc_has_for_the_host(
    github: running.GitHub, token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(
        "NETRC", str(secret(tmp_path / "netrc", "machine 127.0.0.1 login a password b"))
    )
    GitHub(github.url, "acme/churn", token_file).dispatch({"model_version": "netrc"})
    (asked,) = github.of("netrc")
    assert asked.headers["Authorization"] == f"Bearer {GITHUB_TOKEN}"


def test_a_github_that_is_away_is_told_without_the_token(token_file: Path):
    away = GitHub(f"http://127.0.0.1:{free_port()}", "acme/churn", token_file)
    with pytest.raises(NotDispatched, match=r"no answer \(ConnectionError\)") as told:
        away.dispatch({"model_version": "away"})
    assert GITHUB_TOKEN not in str(told.value)


def test_a_github_that_says_nothing_is_not_waited_for(
    github: running.GitHub, token_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TIMEOUTS", (5.0, 0.1))
    github.goes_on.clear()
    try:
        with pytest.raises(NotDispatched, match=r"no answer \(ReadTimeout\)"):
            GitHub(github.url, "acme/churn", token_file).dispatch({"model_version": "silent"})
    finally:
        github.goes_on.set()


def test_without_a_token_it_is_not_asked(github: running.GitHub, tmp_path: Path):
    with pytest.raises(UnusableSecret, match="it cannot be read"):
        GitHub(github.url, "acme/churn", tmp_path / "none").dispatch({"model_version": "none"})
    assert not github.of("none")
