"""What can stand in the way of building an image, or of looking into one."""

from __future__ import annotations

from collections.abc import Iterable

from churn.errors.base import ChurnError
from churn.wording import listed


class NoEngine(ChurnError):
    """There is nothing here that builds and runs containers."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"no container engine: {why}. Install Docker with buildx and start it (docker info "
            "says whether it runs and lets you in), or point DOCKER_HOST at another machine's."
        )


class EngineFailed(ChurnError):
    """The container engine did not do what it was told.

    Attributes:
        why: in the engine's own words.
    """

    def __init__(self, command: str, why: str) -> None:
        self.why = why
        super().__init__(f"{command} failed: {why}. Mend what it says, and try again.")


class InvalidImageName(ChurnError):
    """What was given as the name of an image is none."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"IMAGE={name!r} is no name of an image: letters, digits and . _ - between "
            "slashes, and no tag, which is the model's version. Name one, such as "
            "IMAGE=ghcr.io/owner/churn."
        )


class UnknownTarget(ChurnError):
    """There is no image of that kind."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"TARGET={name}: there is no such image. Take one of {listed(known)}.")


class ImageNotFound(ChurnError):
    """There is no image of that name here."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"IMAGE_UNDER_TEST={name}: there is no such image here. docker pull brings one of a "
            "registry; without IMAGE_UNDER_TEST the image is built."
        )


class NoVersionAt(ChurnError):
    """A stage or tag names no version."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"MODEL={name}: no release has that name or is on its commit, so there is no image of "
            "it. make release makes one (git fetch --tags brings those of others)."
        )


class NotInRegistry(ChurnError):
    """The registry does not have an image, or does not let us at it."""

    def __init__(self, image: str, why: str) -> None:
        super().__init__(
            f"{image}: {why}. The workflow cd puts an image there for each tag churn@v…: see "
            "whether it has ended, and whether docker login has been done."
        )
