"""What can go wrong when an evaluated model is mirrored in MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import listed


class RunsNotSent(ChurnError):
    """MLflow did not take runs; they are kept."""

    def __init__(self, server: str, why: str, runs: int) -> None:
        kept = "The run is kept" if runs == 1 else f"{runs} runs are kept"
        super().__init__(
            f"MLflow at {server}: {why}. {kept} in mlruns/unsent; once this is mended, "
            "make track sends all that is kept there (make compose track after a change of conf/)."
        )


class RunNotKept(ChurnError):
    """A run could not even be kept on this machine."""

    def __init__(self, folder: str | Path, why: str) -> None:
        super().__init__(
            f"{folder}: {why}. The model is evaluated, but its run is not in MLflow. Make the "
            "folder writable and run dvc repro --force --single-item evaluate."
        )


class RunsMissing(ChurnError):
    """The store has no run of a released model that it could register."""

    def __init__(self, versions: Sequence[str]) -> None:
        super().__init__(
            f"it has no run of {listed(versions)}, which dvc repro --force --single-item evaluate "
            "logs where the tag is checked out"
        )


class NotRegistered(ChurnError):
    """MLflow's registry does not say what the git tags do."""

    def __init__(self, server: str, why: str) -> None:
        super().__init__(
            f"MLflow at {server}: {why}. The git tags hold; once this is mended, make track tells "
            "MLflow of them."
        )
