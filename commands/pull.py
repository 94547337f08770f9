"""`make pull`: what others have pushed: outs that dvc.lock names, and experiments.

As far as there is a remote that has them and lets us in: a pull request from a fork brings no
credentials, and what is missing can be built.
"""

from __future__ import annotations

import subprocess
import sys

from churn.errors import GitHubRefused
from commands.github import on_git
from commands.tags import git

EXPERIMENTS = "refs/exps/*:refs/exps/*"


def outs() -> None:
    """Fetch outs from the DVC remote, and put them in their places."""
    listed = subprocess.run(["dvc", "remote", "list"], capture_output=True, text=True, check=True)
    if not listed.stdout.strip():
        print("There is no DVC remote; what is missing is built.")
    elif subprocess.run(["dvc", "pull", "--allow-missing"], check=False).returncode:
        print("warning: not everything could be fetched; the rest is built.", file=sys.stderr)


def experiments() -> None:
    """Fetch experiments from the git remote."""
    if "origin" not in git("remote").splitlines():
        return
    try:
        on_git("fetch", "--quiet", "origin", EXPERIMENTS)
    except GitHubRefused as error:
        print(f"warning: experiments could not be fetched: {error}", file=sys.stderr)


if __name__ == "__main__":
    outs()
    experiments()
