"""What can stand in the way of a challenger."""

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
    """The branch that is to name the challenger is checked out."""

    def __init__(self, branch: str) -> None:
        super().__init__(
            f"the git branch {branch} cannot be moved to the new challenger, since it is checked "
            "out. Check another one out (git switch main) and run this again."
        )
