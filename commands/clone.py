"""A clone of the repository in which the pipeline runs while the working tree stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from churn.errors import CommandFailed
from commands.tags import git

# What the clone was made of; the last thing to be written when one is made.
MARK = "refs/churn/base"
OF_A_REPOSITORY = ("DVC_ROOT", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
IDENTITY = ("user.name", "user.email")


class Clone:
    """The repository at a commit, in a folder of its own; it shares DVC's cache.

    Args:
        folder: of the clone.
        environment: variables of what runs in it, beside those of this process.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        mine = {k: v for k, v in os.environ.items() if k not in OF_A_REPOSITORY}
        # By it, MLflow's store and runs that it has not taken are the repository's, and stay.
        self._environment = {**mine, "DVC_ROOT": str(Path.cwd()), **(environment or {})}

    def make(self, commit: str, prepare: Callable[[], None] = lambda: None) -> None:
        """Clone and prepare it, unless that is what is there since an earlier run.

        Raises:
            CommandFailed: git or DVC refused.
        """
        if self.base() == commit:
            # Of a run that was killed; nobody else works here.
            (self.folder / ".git/index.lock").unlink(missing_ok=True)
        else:
            self._clone(commit)
            prepare()
            self.run("git", "update-ref", MARK, commit)
        for key in IDENTITY:
            if value := git("config", "--default", "", key):
                self.run("git", "config", key, value)

    def _clone(self, commit: str) -> None:
        self.remove()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--no-checkout", ".", self.folder], check=True)
        self.run("git", "checkout", "-q", "--detach", commit)
        self.run("dvc", "config", "--local", "cache.dir", _cache())

    def repro(self, *targets: str) -> None:
        """Run the pipeline, or what it takes to make some of it, with the clone's params.yaml.

        Raises:
            CommandFailed: a stage refused; it has said why.
        """
        self.run(sys.executable, "-m", "commands.mend")
        self.run("dvc", "repro", *targets)

    def run(self, *command: str) -> None:
        """Run a command in it; what it says goes to the terminal.

        Raises:
            CommandFailed: it says why.
        """
        # Not even dvc outlives us without the lock that this process may hold (challenger.alone).
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, check=False, close_fds=False
        )
        if done.returncode:
            raise CommandFailed(command)

    def ask(self, *command: str) -> str:
        """What a command prints that cannot fail."""
        return subprocess.check_output(
            command, cwd=self.folder, env=self._environment, text=True
        ).strip()

    def base(self) -> str | None:
        """The commit that it was made of; None if there is none, or not all of it."""
        return self._commit(MARK)

    def made(self) -> str | None:
        """The commit that was made in it; None if there is none yet."""
        base, head = self.base(), self._commit("HEAD")
        return head if base and head != base else None

    def remove(self) -> None:
        """Take it away; what it has built stays in DVC's cache."""
        # In one step: half a clone would be gone on with.
        gone = self.folder.with_name(f"{self.folder.name}.gone")
        shutil.rmtree(gone, ignore_errors=True)
        if self.folder.exists():
            self.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _commit(self, name: str) -> str | None:
        if not (self.folder / ".git").is_dir():
            return None
        done = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", name],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() or None


def _cache() -> str:
    from dvc.repo import Repo

    with Repo() as repo:
        return str(repo.cache.local_cache_dir)
