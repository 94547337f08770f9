"""`make pull-request`: the challenger of `make challenger`, if it wins, as a pull request.

Environment: GITHUB_REPOSITORY (owner/name), GH_TOKEN.

The branch `retrain` is pushed, its data and model go to the DVC remote, and the one open pull
request of that branch is made or brought up to date. Otherwise it says why the champion stays.
"""

from __future__ import annotations

import json
import os
import subprocess

from churn.errors import BranchInUse, CommandFailed, NoRemote, NotChallenged
from churn.settings import Parameters
from commands.challenger import BRANCH, REPORT, SUBJECT, TEXT
from commands.champion import here
from commands.github import gh, on_git, required, summarize
from commands.tags import git
from pipelines.stage import run

FETCHED = "refs/churn/origin/"
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


def known_to_origin() -> str:
    """The challenger that was proposed before; empty if there is none.

    Raises:
        BranchInUse: somebody has committed to it.
        GitHubRefused: the remote cannot be read.
    """
    on_git("fetch", "--quiet", "--prune", "origin", f"+refs/heads/{BRANCH}*:{FETCHED}{BRANCH}*")
    if not git("for-each-ref", f"{FETCHED}{BRANCH}"):
        return ""
    if git("log", "-1", "--format=%s", f"{FETCHED}{BRANCH}") != SUBJECT:
        raise BranchInUse(f"origin/{BRANCH}", "somebody has committed to it")
    return git("rev-parse", f"{FETCHED}{BRANCH}")


def propose(repository: str, title: str, text: str) -> str:
    """Make the pull request, or bring the open one up to date; its address."""
    # By the API: `gh pr edit` of Debian's gh asks for what GitHub has no more.
    root = f"repos/{repository}/pulls"
    head = f"{repository.partition('/')[0]}:{BRANCH}"
    query = ("-f", "state=open", "-f", f"head={head}", "--jq", ".[0].number // empty")
    told = {"title": title, "body": text}
    if number := gh("api", "-X", "GET", root, *query):
        order = ("-X", "PATCH", f"{root}/{number}")
    else:
        order = ("-X", "POST", root)
        base = gh("api", f"repos/{repository}", "--jq", ".default_branch")
        told |= {"head": BRANCH, "base": base}
    return gh("api", *order, "--input", "-", "--jq", ".html_url", given=json.dumps(told))


def pull_request(_: Parameters) -> None:
    """Make it, bring it up to date, or say why there is none.

    Raises:
        NotChallenged: make challenger has not been run.
        VariableMissing, NoRemote, CommandFailed, BranchInUse, GitHubRefused: it cannot be made.
    """
    if not REPORT.is_file():
        raise NotChallenged(str(REPORT))
    found = here(str(REPORT))
    text = TEXT.read_text("utf-8")
    summarize(text)
    if found["outcome"] != "wins":
        print(text)
        return
    repository = required(os.environ, "GITHUB_REPOSITORY")
    send_outs()
    before = known_to_origin()
    on_git("push", "--quiet", f"--force-with-lease={BRANCH}:{before}", "origin", BRANCH)
    print(propose(repository, TITLE.format(**found), text))


if __name__ == "__main__":
    run(pull_request)
