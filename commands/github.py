"""GitHub through its own command line tool, gh, which takes its token from GH_TOKEN."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from churn.errors import GitHubRefused, VariableMissing

# git asks gh for the token, so that it is in no file.
WITH_TOKEN = ("git", "-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential")


def gh(*arguments: str, given: str | None = None) -> str:
    """What gh prints.

    Args:
        given: for its standard input.
    Raises:
        GitHubRefused: it failed, or is not installed.
    """
    return _said(("gh", *arguments), given)


def on_git(*arguments: str) -> str:
    """What git prints that talks to the remote, by gh's token.

    Raises:
        GitHubRefused: the remote refused.
    """
    return _said((*(WITH_TOKEN if os.environ.get("GH_TOKEN") else ("git",)), *arguments), None)


def required(environment: Mapping[str, str], name: str) -> str:
    """A variable that the workflow sets.

    Raises:
        VariableMissing: it does not.
    """
    if value := environment.get(name):
        return value
    raise VariableMissing(name)


def _said(command: tuple[str, ...], given: str | None) -> str:
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GitHubRefused(command[0], "it is not installed") from None
    if done.returncode:
        raise GitHubRefused(_shown(command), " ".join(done.stderr.split()))
    return done.stdout.strip()


def summarize(text: str) -> None:
    """Show a text on the page of the workflow's run, if this is one."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _shown(command: tuple[str, ...]) -> str:
    words = [word for word in command if not word.startswith(("-c", "credential."))]
    return " ".join(words[:3])
