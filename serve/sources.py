"""Where the models come from: a folder, or a stage or version among the git tags."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from churn.bundle import BUNDLE, Bundle
from churn.errors import ModelNotFound
from churn.measured import measured
from serve.generations import Source


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
        # Of a folder nothing more is known than when it was written.
        created = (Path(name) / BUNDLE).stat().st_mtime
        evaluation = measured(_json, bundle.sha256)
        return Source(Path(name), bundle.short, created, evaluation)
    return _tagged(name, folder)


def _tagged(name: str, folder: Path) -> Source:
    """Have another process fetch it: DVC does not belong into the one that serves."""
    command = [sys.executable, "-m", "commands.fetch", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it cannot be fetched"]
        raise ModelNotFound(name, said[-1].removeprefix("error: "))
    found = json.loads(done.stdout)
    return Source(folder, found["version"], found["created"], found["evaluation"])


def _json(path: str) -> Any:
    return json.loads(Path(path).read_bytes())
