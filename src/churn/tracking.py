"""Runs for MLflow: what of an evaluated model is mirrored, and the folder that keeps it.

A kept run is a folder of plain data that needs nothing else to become an MLflow run, today or after
the working tree has moved on: `run.json`, the report, the bundle, and the code that scores it.
Nothing in it is read by a stage, and no secret is in it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from churn.files import read_json, write_json
from churn.settings import Parameters

UNSENT = Path("mlruns/unsent")
CONTENT, REPORT, BUNDLE, CODE = "run.json", "report", "bundle", "code"
KEY = "churn.key"
PACKAGE = Path(__file__).resolve().parent
# What `churn.mlflow_model` runs on. MLflow's own guess takes 5 s and gets xgboost wrong.
REQUIRED = ("mlflow", "numpy", "pandas", "pyarrow", "pydantic", "xgboost-cpu")
# The contract's columns are in the bundle; as parameters they would bury the others.
LEFT_OUT: dict[str, Any] = {"tracking": True, "table": {"columns", "rename"}}


@dataclass(frozen=True)
class Run:
    """An evaluated model.

    Attributes:
        parameters: that it was built and measured with.
        metrics: content of `reports/metrics.json`.
        bundle: its folder.
        report: files and folders to show beside it.
    """

    parameters: Parameters
    metrics: Mapping[str, Any]
    bundle: Path
    report: tuple[Path, ...]


def content(run: Run) -> dict[str, Any]:
    """What is logged of a run, under names and lengths that MLflow allows.

    Tags are the hashes and counts of the bundle's provenance, and a key: runs of equal key are of
    one model with one result, and are logged once.
    """
    described = read_json(run.bundle / "bundle.json")
    given = run.parameters.model_dump(mode="json", by_alias=True, exclude=LEFT_OUT)
    facts = {"bundle_sha256": described["sha256"], **described["provenance"]}
    said = {
        "experiment": run.parameters.tracking.experiment,
        "parameters": {name: _text(value) for name, value in flat(given).items()},
        "metrics": {_allowed(n): v for n, v in flat(run.metrics).items() if _is_number(v)},
        "tags": {f"churn.{name}": str(value) for name, value in facts.items()},
    }
    key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return {**said, "name": f"{run.parameters.table.name} {key[:8]}", "key": key}


def keep(run: Run, unsent: Path) -> Path:
    """Write a run into a folder of its own below `unsent`, whole or not at all; gives the folder.

    Raises:
        OSError: a file cannot be read or written.
    """
    said = content(run)
    kept = unsent / said["key"]
    if kept.is_dir():
        return kept
    unsent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=unsent) as unfinished:
        whole = Path(unfinished) / kept.name
        now = {"evaluated_at": round(time.time() * 1000)}
        pinned = {"requirements": [f"{name}=={version(name)}" for name in REQUIRED]}
        write_json(whole / CONTENT, {**said, **now, **pinned})
        for path in run.report:
            _copy(path, whole / REPORT / path.name)
        _copy(run.bundle, whole / BUNDLE)
        _copy(PACKAGE, whole / CODE / PACKAGE.name)
        whole.rename(kept)
    return kept


def kept_runs(unsent: Path) -> list[Path]:
    """Folders of the runs that wait to be sent."""
    return sorted(unsent.glob("[!.]*")) if unsent.is_dir() else []


def flat(nested: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values of nested mappings under names joined by points."""
    found: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{above}{name}."))
        else:
            found[f"{above}{name}"] = value
    return found


def shown(uri: str) -> str:
    """An address without user, password and query, for people and files."""
    scheme, slashes, rest = uri.partition("//")
    place, _, query = rest.partition("?")
    if "@" in query:
        # Whether the question mark is part of a password cannot be told.
        return f"{scheme}//***"
    return scheme + slashes + re.sub(".*@", "***@", place) if slashes else uri


def redacted(text: str, uri: str) -> str:
    """Text in which nothing stands that `shown` takes out of `uri`."""
    user_and_password = uri.partition("//")[2].rpartition("@")[0]
    password = user_and_password.partition(":")[2]
    text = text.replace(uri, shown(uri))
    for secret in (user_and_password, unquote(password), password, uri.partition("?")[2]):
        text = text.replace(secret, "***") if secret else text
    return text


def _text(value: object) -> str:
    # A source may be an address as well, with a password in it.
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _allowed(name: str) -> str:
    """A metric's name in the characters that MLflow takes; different names stay different."""
    return re.sub(r"[^\w.: -]", lambda other: f"_{ord(other[0]):x}_", name.replace("–", "-"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)
