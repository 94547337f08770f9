"""Models at git tags: `churn@v1.2.0` is a version, `churn#prod#1`, `churn#prod#2`, … a stage.

These are the tags that GTO makes. A stage may also be a bare `churn#prod`; of several, the one with
the highest number holds.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from churn.errors import NoRepository, NotWithinReach, TaggedModelNotFound
from commands.revisions import Commit

ARTIFACT = "churn"
MODEL = "models/churn"
VERSION = re.compile(r"v\d+(\.\d+)*[\w.-]*")


def git(*arguments: str) -> str:
    """What git prints.

    Raises:
        NoRepository: git failed.
    """
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoRepository(" ".join(done.stderr.split()))
    return done.stdout.strip()


def newest(tags: Iterable[str], stage: str) -> str | None:
    """The tag that names the model of a stage: the one with the highest number, else the bare."""
    pattern = re.compile(rf"{ARTIFACT}#{re.escape(stage)}(?:#(\d+))?")
    matches = [pattern.fullmatch(tag) for tag in tags]
    numbers = {int(match[1] or 0): match[0] for match in matches if match}
    return numbers[max(numbers)] if numbers else None


def tag_of(name: str) -> str | None:
    """The tag of a version such as `v1.2.0` or a stage such as `prod`; None if there is none.

    Raises:
        NoRepository: this is none.
    """
    tags = git("tag", "--list", f"{ARTIFACT}[@#]*").splitlines()
    if VERSION.fullmatch(name):
        return f"{ARTIFACT}@{name}" if f"{ARTIFACT}@{name}" in tags else None
    return newest(tags, name)


def version_at(tag: str) -> str | None:
    """The version whose tag is on the same commit; None if there is none."""
    at = git("tag", "--list", f"{ARTIFACT}@*", "--points-at", f"refs/tags/{tag}^{{commit}}")
    return at.splitlines()[-1].removeprefix(f"{ARTIFACT}@") if at else None


def fetch(tag: str, folder: Path) -> Callable[[str], str]:
    """Copy the bundle of a tag from DVC's cache or remote.

    Args:
        tag: of the commit.
        folder: to put the bundle into.
    Returns:
        what gives the text of another file of that commit, by its path; `OSError` if it has none.
    Raises:
        TaggedModelNotFound: the bundle is in neither.
    """
    commit = Commit(tag, git("rev-parse", f"refs/tags/{tag}^{{commit}}"))
    try:
        commit.fetch(MODEL, folder)
    except NotWithinReach as error:
        raise TaggedModelNotFound(tag, error.why) from None
    return commit.text
