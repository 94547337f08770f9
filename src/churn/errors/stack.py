"""What can go wrong with the services of docker-compose.yml."""

from __future__ import annotations

from pathlib import Path

from churn.errors.base import ChurnError


class NoSecrets(ChurnError):
    """The stack's passwords have not been made."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: not there, or not readable. make secrets writes it.")


class ServiceDown(ChurnError):
    """A service of the stack does not run."""

    def __init__(self, service: str, why: str) -> None:
        super().__init__(
            f"{service}: {why}. Start the stack with docker compose up -d --wait; docker compose "
            f"logs {service} says what became of it."
        )


class SmokeFailed(ChurnError):
    """Something is not where it should be."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(
            f"{where}: {what}. docker compose ps shows who is not well, docker compose logs why."
        )


class NotRolledOut(ChurnError):
    """A server could not be replaced; the others answer as before."""

    def __init__(self, server: str, why: str) -> None:
        super().__init__(
            f"{server} does not take over: {why}. docker compose logs {server} says more; an image "
            "that is not there is built by make image. The others serve as before: mend it, or "
            "go back with CHURN_IMAGE, and run make rollout."
        )
