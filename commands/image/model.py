"""The model of an image: found, checked, and written down with what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from churn.bundle import Bundle
from churn.files import write_text
from churn.model_sources import ORIGIN, Origin, Source, source
from commands.image.name import TARGETS
from commands.tags import git
from serve.models import Model

DESCRIPTIONS = {
    "server": "Churn predictions over REST: the server and one model",
    "batch": "Churn predictions for whole tables: batch scoring and one model",
}


def checked(name: str, folder: Path) -> tuple[Source, Bundle]:
    """Find a model, and have it score its golden rows, as every server does when it starts.

    Args:
        name: a folder, a version or a stage.
        folder: where a tagged bundle may be put.
    Raises:
        ChurnError: there is none of that name, or this code scores otherwise than that of its time.
    """
    found = source(name, folder)
    if Path(name).is_dir() and not (Path(name) / ORIGIN).is_file():
        # When a folder was written says nothing, and differs from clone to clone.
        found = Source(found.folder, found.version, commit_time(), found.evaluation)
    return found, Model.load(found.folder, found.version, found.created).bundle


def write_context(folder: Path, bundle: Bundle, found: Source) -> None:
    """Write the bundle, and beside it what is known of it."""
    bundle.save(folder)
    origin = Origin(
        sha256=bundle.sha256,
        version=found.version,
        created=found.created,
        evaluation=None if found.evaluation is None else dict(found.evaluation),
    )
    write_text(folder / ORIGIN, origin.model_dump_json(indent=1) + "\n")


def labels(found: Source, bundle: Bundle, target: str) -> dict[str, str]:
    """What the image says of itself: of which code, model, data and parameters it is.

    Args:
        found: the model.
        bundle: of the model.
        target: of the Dockerfile.
    """
    provenance, standard = bundle.manifest.provenance, "org.opencontainers.image"
    code = git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    return {
        f"{standard}.title": TARGETS[target],
        f"{standard}.description": DESCRIPTIONS[target],
        f"{standard}.version": found.version,
        f"{standard}.revision": code,
        f"{standard}.created": datetime.fromtimestamp(commit_time(), UTC).isoformat(),
        "churn.bundle.sha256": bundle.sha256,
        "churn.data.sha256": provenance.data_sha256,
        "churn.parameters.sha256": provenance.parameters_sha256,
    }


def commit_time() -> int:
    """When the commit was made that is checked out, in seconds since 1970."""
    return int(git("log", "-1", "--format=%ct"))
