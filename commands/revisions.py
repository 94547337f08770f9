"""Commits and experiments by name, and what they hold: text from git, outs from DVC's cache."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from churn.errors import NotWithinReach, UnknownRevision


def outs(lock: Mapping[str, Any]) -> dict[str, str]:
    """MD5 of every out in the content of a dvc.lock, by path."""
    stages = lock["stages"].values()
    return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}


DIGITS = 12


def short(sha: str) -> str:
    """A commit as messages call it."""
    return sha[:DIGITS]


def sha_of(name: str) -> str:
    """The commit of a git revision or of a DVC experiment.

    Raises:
        UnknownRevision: there is neither, or several experiments have the name.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import resolve_rev

    try:
        with Repo() as repo:
            return str(resolve_rev(repo.scm, name))
    except DvcException as error:
        raise UnknownRevision(name, " ".join(str(error).split())) from None


class Commit:
    """The files of a commit.

    Args:
        name: as messages call it.
        sha: of the commit.
    """

    def __init__(self, name: str, sha: str) -> None:
        self.name = name
        self.sha = sha

    @cached_property
    def _files(self) -> Any:
        from dvc.api import DVCFileSystem
        from dvc.config import Config

        # With the remote of today: that of the commit may have moved, or not have been there.
        return DVCFileSystem(url=".", rev=self.sha, config=dict(Config.from_cwd()))

    def text(self, path: str) -> str:
        """A file that git keeps; `OSError` if there is none."""
        return str(self._files.read_text(path))

    def fetch(self, path: str, target: Path) -> None:
        """Copy a file or folder that DVC keeps.

        Raises:
            NotWithinReach: it is neither in the cache nor in the remote.
        """
        try:
            self._files.get(path, str(target), recursive=self._files.isdir(path))
        except Exception as error:  # each kind of remote has errors of its own for being away
            raise NotWithinReach(self.name, path, _first_cause(error)) from error


def _first_cause(error: BaseException) -> str:
    """What a remote's own library says: DVC says no more than that a folder is not there."""
    while error.__cause__:
        error = error.__cause__
    return " ".join(str(error).split()) or type(error).__name__
