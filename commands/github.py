"""GitHub through its own command line tool, gh, which takes its token from GH_TOKEN."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from churn.errors import GitHubRefused

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


def push(*arguments: str) -> None:
    """Push with git, by gh's token.

    Raises:
        GitHubRefused: the remote did not take it.
    """
    _said((*WITH_TOKEN, "push", "--quiet", *arguments), None)


def _said(command: tuple[str, ...], given: str | None) -> str:
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GitHubRefused(command[0], "it is not installed") from None
    if done.returncode:
        raise GitHubRefused(" ".join(command[:3]), " ".join(done.stderr.split()))
    return done.stdout.strip()


def summarize(text: str) -> None:
    """Show a text on the page of the workflow's run, if this is one."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
