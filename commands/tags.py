"""Models at git tags: `churn@v1.2.0` is a version, `churn#prod#1`, `churn#prod#2`, … a stage.

These are the tags that GTO makes. A stage may also be a bare `churn#prod`; of several, the one with
the highest number holds.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

from churn.errors import NoRepository
from churn.promotion import VERSION, Held
from commands.revisions import Commit

ARTIFACT = "churn"
MODEL = "models/churn"


def git(*arguments: str) -> str:
    """What git prints.

    Raises:
        NoRepository: git failed.
    """
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoRepository(" ".join(done.stderr.split()))
    return done.stdout.strip()


def in_order(tags: Iterable[str], stage: str) -> list[str]:
    """The tags of a stage, by rising number, the bare one first."""
    pattern = re.compile(rf"{ARTIFACT}#{re.escape(stage)}(?:#(\d+))?")
    matches = [pattern.fullmatch(tag) for tag in tags]
    numbers = {int(match[1] or 0): match[0] for match in matches if match}
    return [numbers[number] for number in sorted(numbers)]


def newest(tags: Iterable[str], stage: str) -> str | None:
    """The tag that names the model of a stage: the one with the highest number, else the bare."""
    return next(reversed(in_order(tags, stage)), None)


def all_tags() -> list[str]:
    """Every tag of a version or stage.

    Raises:
        NoRepository: this is none.
    """
    return git("tag", "--list", f"{ARTIFACT}[@#]*").splitlines()


def versions(*options: str) -> list[str]:
    """Every version that has a tag, in rising order; options of `git tag` narrow them down."""
    listed = "--list", "--sort=version:refname", *options, f"{ARTIFACT}@v*"
    tags = git("tag", *listed).splitlines()
    names = [tag.removeprefix(f"{ARTIFACT}@") for tag in tags]
    return [name for name in names if VERSION.fullmatch(name)]


def stages() -> list[str]:
    """Every stage that has or had a model."""
    tags = (re.fullmatch(rf"{ARTIFACT}#([\w-]+)(#\d+)?", tag) for tag in all_tags())
    return sorted({match[1] for match in tags if match})


def history(stage: str) -> list[Held]:
    """The tags of a stage, the oldest first."""
    return [Held(tag, commit_of(tag), _subject(tag)) for tag in in_order(all_tags(), stage)]


def commit_of(tag: str) -> str:
    """The commit that a tag is on."""
    return git("rev-parse", f"refs/tags/{tag}^{{commit}}")


def _subject(tag: str) -> str:
    # Asked of a tag without a message, git would give the commit's.
    kind, _, subject = git(
        "for-each-ref", "--format=%(objecttype) %(contents:subject)", f"refs/tags/{tag}"
    ).partition(" ")
    return subject if kind == "tag" else ""


def tag_of(name: str) -> str | None:
    """The tag of a version such as `v1.2.0` or a stage such as `prod`; None if there is none.

    A tag may also be named in full, as workflows do.

    Raises:
        NoRepository: this is none.
    """
    tags = all_tags()
    if name in tags:
        return name
    if VERSION.fullmatch(name):
        return f"{ARTIFACT}@{name}" if f"{ARTIFACT}@{name}" in tags else None
    return newest(tags, name)


def version_at(tag: str) -> str | None:
    """The version whose tag is on the same commit; None if there is none."""
    return version_of(commit_of(tag))


def version_of(commit: str) -> str | None:
    """The newest version of a commit; None if it has none."""
    return next(reversed(versions("--points-at", commit)), None)


def fetch(tag: str, target: Path, path: str = MODEL) -> Callable[[str], str]:
    """Copy the bundle of a tag, or another out of its commit, from DVC's cache or remote.

    Args:
        tag: of the commit.
        target: the folder, or the file, to make of it.
        path: of the out.
    Returns:
        what gives the text of another file of that commit, by its path; `OSError` if it has none.
    Raises:
        NotWithinReach: it is in neither.
    """
    commit = Commit(f"git tag {tag}", commit_of(tag))
    commit.fetch(path, target)
    return commit.text
