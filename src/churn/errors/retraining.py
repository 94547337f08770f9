"""What can stand in the way of a challenger, and of telling GitHub of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from churn.errors.base import ChurnError


class NoChampion(ChurnError):
    """No model serves production, so none can be challenged."""

    def __init__(self) -> None:
        super().__init__(
            "there is no champion to challenge: no commit has the git tag churn#prod. Fetch the "
            "remote's (git fetch --tags), or make the first one: make release VERSION=v1.0.0, "
            "make promote VERSION=v1.0.0 STAGE=prod."
        )


class RetrainingRuns(ChurnError):
    """Another process is making a challenger in this repository."""

    def __init__(self) -> None:
        super().__init__(
            "another make challenger or make retrain is at work in this repository. Wait until it "
            "has ended, or stop it: the next one goes on where it was."
        )


class CommandFailed(ChurnError):
    """A command in a clone failed; it has said why on the terminal."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__(
            f"{shlex.join(command)} failed, for the reason above, and nothing has changed here. "
            "Mend it and run this again."
        )


class BranchInUse(ChurnError):
    """The branch that is to name the challenger is somebody's."""

    def __init__(self, branch: str, why: str) -> None:
        super().__init__(
            f"the git branch {branch} cannot be moved to a new challenger: {why}. Merge it or give "
            "it another name (git branch -m), check another one out, and run this again."
        )


class NotChallenged(ChurnError):
    """There is no challenger to speak of yet."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path}: no such file. Run make challenger, which writes it.")


class NoRemote(ChurnError):
    """There is no place that others can fetch data and models from."""

    def __init__(self) -> None:
        super().__init__(
            "there is no DVC remote, so nobody could fetch the challenger. Name one, such as "
            "dvc remote add -d store s3://bucket/churn, and commit .dvc/config."
        )


class GitHubRefused(ChurnError):
    """gh, or git on its behalf, failed."""

    def __init__(self, command: str, why: str) -> None:
        super().__init__(
            f"{command}: {why or 'it failed without a word'}. gh must be installed (cli.github.com)"
            " and GH_TOKEN be a token that may do this."
        )


class VariableMissing(ChurnError):
    """A variable that the workflow should set is not there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not set. .github/workflows/comment.yml shows what make comment is given."
        )


class NotAReport(ChurnError):
    """A file that is to become a comment is none of ours."""

    def __init__(self) -> None:
        super().__init__(
            "the file at REPORT does not begin as a report of make pr-report does; nothing is "
            "posted. Name the file that it wrote, reports/pull_request.md."
        )
