"""The two models that `make compare` holds side by side, and the data that each was built from."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from churn.differences import Data
from churn.errors import NotWithinReach, UnknownRevision
from churn.files import read_parquet
from churn.params import checked
from churn.settings import Parameters, SplitSettings
from commands.champion import LOCK, PARAMS, Champion, challenger, here, history_of, loaded, yaml
from commands.revisions import Commit, outs, sha_of
from commands.tags import MODEL, tag_of
from pipelines.stage import run

# As DVC calls the working tree.
WORKSPACE = "workspace"
READ = (PARAMS, LOCK, "reports/rows.json", "reports/metrics.json")
RAW = {"history": "data/raw/history.parquet", "current": "data/raw/current.parquet"}


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        letter: A or B.
        name: a git revision, an experiment, or `workspace`.
        commit: where it is from; None for the workspace.
        given, lock, rows, metrics: content of its params.yaml, dvc.lock, reports/rows.json and
            reports/metrics.json.
        model: its bundle and its split.
    """

    letter: str
    name: str
    commit: Commit | None
    given: Mapping[str, Any]
    lock: Mapping[str, Any]
    rows: Mapping[str, Any]
    metrics: Mapping[str, Any]
    model: Champion

    def __str__(self) -> str:
        return f"{self.letter}: {'the workspace' if self.commit is None else self.name}"

    @property
    def md5(self) -> dict[str, str]:
        """Of every out, by path."""
        return outs(self.lock)

    @property
    def data(self) -> dict[str, Data]:
        """The raw tables."""
        return {
            path: Data(self.md5[path], self.rows[part]["rows_in"]) for part, path in RAW.items()
        }

    @property
    def unbuilt(self) -> list[str]:
        """Parameters that are not those that its model was built with."""
        built: dict[str, Any] = {}
        for stage in self.lock["stages"].values():
            built |= stage.get("params", {}).get(PARAMS, {})
        return sorted(name for name, value in built.items() if _at(self.given, name) != value)

    def table(self, path: Path) -> pa.Table:
        """One of the pipeline's tables.

        Raises:
            NotWithinReach: it is neither in DVC's cache nor in the remote.
        """
        if self.commit is None:
            return read_parquet(path)
        with tempfile.TemporaryDirectory() as temporary:
            fetched = Path(temporary) / path.name
            self.commit.fetch(str(path), fetched)
            return read_parquet(fetched)


def revision(name: str) -> str:
    """A revision as git and DVC know it; of a version or stage its tag.

    Raises:
        UnknownRevision: there is none of that name.
    """
    try:
        sha_of(name)
    except UnknownRevision:
        if tag := tag_of(name):
            return tag
        raise
    return name


def committed(letter: str, name: str) -> Side:
    """One of the two from a commit or an experiment.

    Raises:
        UnknownRevision: there is none of that name.
        NotWithinReach: its model is neither in DVC's cache nor in the remote.
        UnusableChampion: this version of the code cannot read it.
    """
    name = revision(name)
    commit = Commit(name, sha_of(name))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        commit.fetch(MODEL, folder)
        try:
            given, lock, rows, metrics = (yaml(commit.text(path)) for path in READ)
        except OSError as error:
            raise NotWithinReach(name, MODEL, f"a file is missing beside it: {error}") from None
        model = loaded(f"{letter}, {name},", folder, given, lock)
    return Side(letter, name, commit, given, lock, rows, metrics, model)


def workspace(letter: str) -> Side:
    """One of the two from the working tree.

    Raises:
        ChurnError: its model, its rows or its parameters are missing or do not fit one another.
    """
    bundle = challenger()
    given, lock, rows, metrics = map(here, READ)
    split = checked(SplitSettings, given.get("split"), f"{PARAMS}: split")
    model = Champion(f"{letter}, the workspace,", bundle, split, history_of(given, lock))
    return Side(letter, WORKSPACE, None, given, lock, rows, metrics, model)


def side(letter: str, name: str | None) -> Side:
    """One of the two by its name; the working tree where there is none.

    Raises:
        ChurnError: as `committed` and `workspace` do.
    """
    return committed(letter, name) if name else workspace(letter)


def data_of(old: Side, new: Side) -> dict[str, tuple[Data, Data]]:
    """The raw tables of both, by path."""
    return {path: (old.data[path], new.data[path]) for path in RAW.values()}


def run_on_two(do: Callable[[str, str | None, Parameters], None], about: str | None) -> None:
    """Run a command that takes the names of the two; exits with 1 on a user's mistake.

    Args:
        do: gets the name of A, that of B or None for the workspace, and the parameters.
        about: the command, for `--help`.
    """
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("a", help="a git revision or an experiment")
    arguments.add_argument("b", nargs="?", help="another one; the workspace by default")
    found = arguments.parse_args()
    run(partial(do, found.a, found.b))


def _at(nested: Mapping[str, Any], name: str) -> object:
    """The value under a name joined by points; None if there is none."""
    found: Any = nested
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
