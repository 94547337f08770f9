"""What can be wrong with the files in deploy/ that are made by a command, or rendered."""

from __future__ import annotations

from pathlib import Path

from churn.errors.base import ChurnError


class OutdatedFile(ChurnError):
    """A file that a command makes is not what the command would make."""

    def __init__(self, path: Path, target: str) -> None:
        super().__init__(
            f"{path} is not what its sources make. Run make {target}, and commit what it writes."
        )


class NotRendered(ChurnError):
    """Kustomize does not make manifests of a folder."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(f"{folder} cannot be rendered: {why}. Mend its kustomization.yaml.")


class InvalidManifests(ChurnError):
    """What a folder renders to is nothing that Kubernetes would take."""

    def __init__(self, folder: Path, problems: list[str]) -> None:
        listed = "\n- ".join(problems)
        super().__init__(f"{folder} renders to what Kubernetes refuses:\n- {listed}\nMend that.")
