"""`make pull-request`: the challenger of `make challenger`, if it wins, as a pull request.

The branch `retrain` is pushed, its data and model go to the DVC remote, and the one open pull
request of that branch is made or brought up to date. Otherwise it says why the champion stays.
"""

from __future__ import annotations

import subprocess

from churn.errors import CommandFailed, NoRemote, NotChallenged
from churn.settings import Parameters
from commands.challenger import BRANCH, REPORT, TEXT
from commands.champion import here
from commands.github import gh, push, summarize
from pipelines.stage import run

TITLE = "The challenger wins against {champion}"


def send_outs() -> None:
    """Push what DVC keeps of every branch here.

    Raises:
        NoRemote: nobody could fetch it.
        CommandFailed: the remote did not take it.
    """
    remotes = subprocess.run(["dvc", "remote", "list"], capture_output=True, text=True, check=True)
    if not remotes.stdout.strip():
        raise NoRemote
    command = ("dvc", "push", "--quiet", "--all-branches")
    if subprocess.run(command, check=False).returncode:
        raise CommandFailed(command)


def pull_request(_: Parameters) -> None:
    """Make it, bring it up to date, or say why there is none.

    Raises:
        NotChallenged: make challenger has not been run.
        NoRemote, CommandFailed, GitHubRefused: it cannot be made.
    """
    if not REPORT.is_file():
        raise NotChallenged(str(REPORT))
    found = here(str(REPORT))
    text = TEXT.read_text("utf-8")
    summarize(text)
    if found["outcome"] != "wins":
        print(text)
        return
    send_outs()
    push("--force", "origin", BRANCH)
    told = ("--title", TITLE.format(**found), "--body-file", str(TEXT))
    asked = ("--head", BRANCH, "--json", "number", "--jq", ".[0].number // empty")
    number = gh("pr", "list", *asked)
    do = ("edit", number) if number else ("create", "--head", BRANCH)
    print(gh("pr", *do, *told))


if __name__ == "__main__":
    run(pull_request)
