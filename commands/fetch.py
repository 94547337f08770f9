"""`python -m commands.fetch prod models/prod`: the bundle of a stage or version into a folder.

Prints, as JSON, the version, when it was committed, and what was measured of it. The server calls
this as a process of its own, since DVC does not belong into the one that serves.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from churn.bundle import Bundle
from churn.errors import ChurnError, NoSuchTag
from churn.measured import measured
from commands.tags import fetch, git, tag_of, version_at


def fetched(name: str, folder: Path) -> dict[str, Any]:
    """Fetch a model.

    Raises:
        NoRepository, NoSuchTag, NotWithinReach, InvalidBundle: there is no such model here, or it
            cannot be read.
    """
    tag = tag_of(name)
    if tag is None:
        raise NoSuchTag(name)
    read = fetch(tag, folder)
    bundle = Bundle.load(folder)
    return {
        "version": version_at(tag) or bundle.short,
        "created": int(git("log", "-1", "--format=%ct", f"refs/tags/{tag}^{{commit}}")),
        "evaluation": measured(_json(read), bundle.sha256),
    }


def _json(read: Callable[[str], str]) -> Callable[[str], Any]:
    return lambda path: json.loads(read(path))


def main() -> None:
    """Fetch, and print what it is."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("name", help="a stage such as prod, or a version such as v1.2.0")
    arguments.add_argument("folder", type=Path, help="to put the bundle into")
    given = arguments.parse_args()
    try:
        print(json.dumps(fetched(given.name, given.folder)))
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
