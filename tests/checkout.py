"""A checkout of the repository in a folder of its own, and what tests do with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from commands.verify import hashes

ROOT = Path(__file__).resolve().parent.parent
QUEUE_SECONDS = 300
# A worker of the queue is not seen while it starts.
STARTING_SECONDS = 60


@dataclass(frozen=True)
class Checkout:
    """The repository in `folder`."""

    folder: Path

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command, whatever its exit status."""
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def run(self, *command: str) -> str:
        """Run a command that must succeed; its output."""
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def stage(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run one stage as dvc.yaml does."""
        return self.attempt(sys.executable, "-m", f"pipelines.{name}")

    def compose(self, *overrides: str) -> None:
        """Write params.yaml from conf/ with Hydra overrides."""
        self.run(sys.executable, "-m", "commands.compose", *overrides)

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "-m", message)

    def copied(self, folder: Path, *, cache: bool = True) -> Checkout:
        """The same checkout in another folder, with or without DVC's cache."""
        leave_out = None if cache else shutil.ignore_patterns("cache")
        shutil.copytree(self.folder, folder, symlinks=True, ignore=leave_out)
        return Checkout(folder)

    def change_yaml(self, name: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Let `change` alter the content of a YAML file."""
        path, yaml = self.folder / name, YAML()
        content = yaml.load(path)
        change(content)
        yaml.dump(content, path)

    def change_params(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Let `change` alter the content of params.yaml."""
        self.change_yaml("params.yaml", change)

    def score_otherwise(self) -> None:
        """Change the code such that no model gives its probabilities any more."""
        module = self.folder / "src/churn/scoring.py"
        text, given = module.read_text(), ".probabilities(self.margins(columns))\n"
        assert given in text
        module.write_text(text.replace(given, f"{given[:-1]} * 0.999\n"))

    def finish_queue(self) -> None:
        """Wait for the experiments in the queue; workers that stopped early start again."""
        begun = seen = time.monotonic()
        while re.search("Queued|Running", status := self.run("dvc", "queue", "status")):
            now = time.monotonic()
            assert now < begun + QUEUE_SECONDS, status
            if "0 active, 0 idle" not in status:
                seen = now
            elif now > seen + STARTING_SECONDS:
                self.run("dvc", "queue", "start", "-j", "2")
                seen = now
            time.sleep(0.5)

    def outs(self) -> dict[str, str]:
        """Hash of every out in dvc.lock, by path."""
        return hashes((self.folder / "dvc.lock").read_text())
