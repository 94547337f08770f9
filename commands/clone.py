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
        if self._is_of(commit):
            # Of a run that was killed; nobody else works here.
            (self.folder / ".git/index.lock").unlink(missing_ok=True)
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--no-checkout", ".", self.folder], check=True)
        self.run("git", "checkout", "-q", "--detach", commit)
        for key in IDENTITY:
            if value := git("config", "--default", "", key):
                self.run("git", "config", key, value)
        self.run("dvc", "config", "--local", "cache.dir", _cache())
        prepare()
        self.run("git", "update-ref", MARK, commit)

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
        done = subprocess.run(command, cwd=self.folder, env=self._environment, check=False)
        if done.returncode:
            raise CommandFailed(command)

    def ask(self, *command: str) -> str:
        """What a command prints that cannot fail."""
        return subprocess.check_output(
            command, cwd=self.folder, env=self._environment, text=True
        ).strip()

    def remove(self) -> None:
        """Take it away; what it has built stays in DVC's cache."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_of(self, commit: str) -> bool:
        if not (self.folder / ".git").is_dir():
            return False
        done = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", MARK],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() == commit


def _cache() -> str:
    from dvc.repo import Repo

    with Repo() as repo:
        return str(repo.cache.local_cache_dir)
