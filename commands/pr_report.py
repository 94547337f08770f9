"""`make pr-report BASE=main`: what the working tree does to the model of its base, as a comment.

The base is the commit at which the working tree's branch left `BASE`. Writes
reports/pull_request.md; `REPORT_URL`, if set, is the address of the whole report.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from churn.errors import (
    CommandFailed,
    NoRepository,
    NothingInCommon,
    NotWithinReach,
    UnusableChampion,
)
from churn.files import write_text
from churn.pull_request import Change, comment
from churn.settings import Parameters
from commands.champion import here
from commands.clone import Clone
from commands.compare import changed_parameters, comparison, experiments, notes
from commands.revisions import sha_of, short
from commands.sides import Side, data_of, side, workspace
from commands.tags import git
from pipelines.stage import run

REPORT = Path("reports/pull_request.md")
# Of a branch, the last so many are looked through for experiments.
COMMITS = 30


def base_of(name: str) -> str:
    """The commit at which the branch left another.

    Raises:
        UnknownRevision: there is none of that name.
        NothingInCommon: the two have no commit in common here.
    """
    commit = sha_of(name)
    try:
        return short(git("merge-base", commit, "HEAD"))
    except NoRepository:
        raise NothingInCommon(name) from None


def base_side(commit: str) -> Side:
    """The base's model, data and metrics; built anew where nobody has kept its model.

    Raises:
        NotWithinReach: it can neither be fetched nor built.
        UnusableChampion: this version of the code cannot read it.
    """
    try:
        return side("A", commit)
    except NotWithinReach as error:
        print(f"{error}\nSo it is built here.", flush=True)
        with tempfile.TemporaryDirectory() as folder, suppress(CommandFailed):
            clone = Clone(Path(folder) / "base")
            clone.make(sha_of(commit))
            clone.repro("train")
    return side("A", commit)


def since(base: str) -> list[str]:
    """Options of `dvc exp show`: the experiments that were begun on the base or after it."""
    commits = git("rev-list", f"--max-count={COMMITS}", f"{base}..HEAD").split()
    return [f"--rev={commit}" for commit in (*commits, base)]


def alarms(new: Side) -> list[str]:
    """What the working tree's reports warn of, and what else lessens a comparison."""
    evaluation, drift = (here(f"reports/{name}.json") for name in ("evaluation", "drift"))
    found = [f"leak: {one['message']}" for one in evaluation["leaks"]]
    if evaluation["bundle_sha256"] != new.model.bundle.sha256:
        found = ["reports/evaluation.json is not of this model: dvc repro was not run"]
    found += [f"drift: {one}" for one in _drifted(drift)]
    return [*found, *notes(new)]


def _drifted(drift: Mapping[str, Any]) -> list[str]:
    return [
        f"current customers differ in {name}, PSI {one['psi']:.3f} ({one['level']})"
        for name, one in drift["drift"].items()
        if one["level"] != "ok"
    ]


def report(name: str, given: Parameters) -> None:
    """Write the comment, and print its verdict."""
    base, new = base_of(name), workspace("B")
    tried = experiments(given.evaluate.metric, "--md", *since(base))
    alarmed = alarms(new)
    found = partial(
        Change,
        base=f"{name} ({base})",
        # Without experiments the table has the workspace and the last commit alone.
        experiments=tried if "──" in tried else "",
        report=os.environ.get("REPORT_URL", ""),
    )
    try:
        old = base_side(base)
    # A first pull request, a base that cannot be built here, or of another format: the rest is
    # worth saying.
    except (NotWithinReach, UnusableChampion) as error:
        change = found(comparison=f"A and B cannot be compared: {error}", alarms=alarmed)
    else:
        change = found(
            comparison=comparison(old, new, given.evaluate),
            alarms=[*alarmed, *notes(old)],
            parameters=changed_parameters(old, new),
            data=data_of(old, new),
        )
    text = comment(change)
    write_text(REPORT, text)
    print(f"{text.splitlines()[2].removeprefix('## ')}\n{REPORT} has the comment.")


def main() -> None:
    """Read the command line, report; exits with 1 on a user's mistake."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("base", help="a branch, or another git revision")
    run(partial(report, arguments.parse_args().base))


if __name__ == "__main__":
    main()
