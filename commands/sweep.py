"""`make sweep`: the search as one experiment, in a copy of the repository; its trials sorted.

The workspace stays as it is, so work may go on meanwhile.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from churn.errors import InvalidParameters
from churn.settings import ModelSettings, Parameters
from churn.trials import ranked, table
from commands.compose import parameters
from commands.revisions import Commit, sha_of
from commands.tags import git
from pipelines.stage import run

TRIALS, TRAINING = "reports/trials.csv", "reports/training.json"


def composed(overrides: list[str]) -> Parameters:
    """What the experiment's parameters will be.

    Raises:
        InvalidParameters: an override is not allowed.
    """
    try:
        return parameters(overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise InvalidParameters("conf/", [" ".join(str(error).split())]) from None


def free_name(search: str) -> str:
    """`grid-1`, `grid-2`, …: the first that no experiment has."""
    taken = {ref.rpartition("/")[2] for ref in git("for-each-ref", "refs/exps").splitlines()}
    return next(name for n in count(1) if (name := f"{search}-{n}") not in taken)


def not_in_git(given: Parameters) -> list[str]:
    """What the copy of the repository would lack of the customer tables: a file or its folder.

    Raises:
        InvalidParameters: a path leads out of the repository, and from the copy elsewhere.
    """
    files = [Path(path) for path in (given.source.history, given.source.current)]
    if outside := [f"{one} leads elsewhere from the copy" for one in files if ".." in one.parts]:
        raise InvalidParameters("source", [*outside, "a sweep wants full paths"])
    inside = [path for path in files if not path.is_absolute() and path.exists()]
    return sorted({str(top) for path in inside if (top := _unknown_to_git(path))})


def _unknown_to_git(path: Path) -> Path | None:
    """The uppermost folder of a path that git knows nothing of, or the path itself.

    DVC copies no file into a folder that is not there.
    """
    folders = [*reversed(path.parents)][1:]
    return next((one for one in (*folders, path) if not git("ls-files", "--", str(one))), None)


def sweep(search: str, overrides: Sequence[str], now: Parameters) -> None:
    """Run the search, print its trials, and say how to take the best over."""
    changes = [f"search={search}", *overrides]
    given, name = composed(changes), free_name(search)
    command = ["dvc", "exp", "run", "--temp", "--name", name]
    command += [word for change in changes for word in ("-S", change)]
    command += [word for path in not_in_git(given) for word in ("--copy-paths", path)]
    if status := subprocess.run(command, check=False).returncode:
        # DVC and the stage have said why.
        sys.exit(status)
    print("\n".join(["", *result(name, now.model)]))


def result(name: str, now: ModelSettings) -> list[str]:
    """The trials of an experiment, the best first, and how to take the best over.

    Args:
        name: of the experiment.
        now: the model's parameters in params.yaml.
    """
    commit = Commit(name, sha_of(name))
    with tempfile.TemporaryDirectory() as folder:
        trials = Path(folder) / "trials.csv"
        commit.fetch(TRIALS, trials)
        rows = ranked(trials.read_text("utf-8"))
    search = json.loads(commit.text(TRAINING))["search"]
    return [*table(rows, search), "", *advice(name, search, now)]


def advice(name: str, search: Mapping[str, Any], now: ModelSettings) -> list[str]:
    """What to do with the best trial.

    Args:
        name: of the experiment.
        search: `search` of `reports/training.json`.
        now: the model's parameters in params.yaml.
    """
    if search["score"] <= search["configured_score"]:
        return ["No trial does better on the same folds: conf/model is best left as it is."]
    other = {one: value for one, value in search["model"].items() if value != getattr(now, one)}
    best = ", ".join(f"{one}: {value}" for one, value in other.items())
    return [
        f"make compare B={name}   on the held-out customers too?",
        f"dvc exp apply {name}    takes its model and reports over into the workspace",
        f"conf/model/xgboost.yaml keeps it: {best}",
    ]


def main() -> None:
    """Read the command line, sweep; exits with 1 on a user's mistake."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("search", help="a choice of conf/search: grid or optuna")
    arguments.add_argument("overrides", nargs="*", help="such as search.trials=50 balance=smote")
    found = arguments.parse_args()
    run(partial(sweep, found.search, found.overrides))


if __name__ == "__main__":
    main()
