"""Where the models come from: a folder, or a stage or version among the git tags."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from churn.bundle import BUNDLE, Bundle
from churn.contract import Frozen
from churn.errors import InvalidBundle, ModelNotFound
from churn.measured import measured

# Beside a bundle that was taken out of its repository, such as that of an image.
ORIGIN = "origin.json"
FETCH = "commands.fetch"


@dataclass(frozen=True)
class Source:
    """A bundle to score with.

    Attributes:
        folder: that it is in.
        version: what answers call it.
        created: when it came to be, in seconds since 1970.
        evaluation: what was measured of it; None if that is not known.
    """

    folder: Path
    version: str
    created: float
    evaluation: Mapping[str, Any] | None = None


class Origin(Frozen):
    """What its repository knew of a bundle: content of `origin.json`.

    Attributes:
        sha256: of the bundle.
        version: what answers call it.
        created: when it was committed, in seconds since 1970.
        evaluation: what was measured of it; None if that is not known.
    """

    sha256: str
    version: str
    created: float
    evaluation: dict[str, Any] | None


def source(name: str, folder: Path) -> Source:
    """Find a model.

    Args:
        name: a folder with a bundle, a stage such as `prod`, or a version such as `v1.2.0`.
        folder: where a tagged bundle may be put.
    Raises:
        ModelNotFound: there is none of that name.
        InvalidBundle: it is broken.
    """
    if Path(name).is_dir():
        bundle = Bundle.load(Path(name))
        if (path := Path(name) / ORIGIN).is_file():
            known = _origin(path, bundle.sha256)
            return Source(Path(name), known.version, known.created, known.evaluation)
        # Of another folder nothing more is known than when it was written.
        created = (Path(name) / BUNDLE).stat().st_mtime
        evaluation = measured(_json, bundle.sha256)
        return Source(Path(name), bundle.short, created, evaluation)
    return _tagged(name, folder)


def _origin(path: Path, sha256: str) -> Origin:
    """Read what was known of a bundle.

    Raises:
        InvalidBundle: it is malformed, or of another bundle.
    """
    try:
        found = Origin.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InvalidBundle(path, str(error.strerror)) from None
    except ValidationError as error:
        raise InvalidBundle(path, error.errors()[0]["msg"]) from None
    if found.sha256 != sha256:
        raise InvalidBundle(path, f"it is of another bundle; remove it, or put back {BUNDLE}")
    return found


def refuse_without_tags(name: str) -> None:
    """Check that there is a repository in which a model may have a tag.

    Raises:
        ModelNotFound: this is an image.
    """
    if importlib.util.find_spec(FETCH.partition(".")[0]) is None:
        raise ModelNotFound(name, "an image has no git tags")


def _tagged(name: str, folder: Path) -> Source:
    """Have another process fetch it: DVC does not belong into the one that serves."""
    refuse_without_tags(name)
    command = [sys.executable, "-m", FETCH, name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it cannot be fetched"]
        raise ModelNotFound(name, said[-1].removeprefix("error: "))
    found = json.loads(done.stdout)
    return Source(folder, found["version"], found["created"], found["evaluation"])


def _json(path: str) -> Any:
    return json.loads(Path(path).read_bytes())
