"""`make compare A=… B=…`: two commits or experiments, and which has the better model.

Both models are measured as `make champion` does it: on the customers that B holds out and A does
too, and on the same resamples. Without A it is the last commit, without B the workspace.
"""

from __future__ import annotations

import subprocess
from typing import Any

from churn.champion import Comparison
from churn.differences import better, data, metrics, parameters
from churn.errors import (
    ChampionLacksColumns,
    OtherRows,
    OtherTable,
    TooFewInCommon,
    UnusableChampion,
)
from churn.evaluation_page import MEANINGS
from churn.settings import EvaluateSettings, Parameters
from commands.champion import TEST, compared, is_same, unlike_training
from commands.sides import Side, data_of, run_on_two, side

# Shown of every experiment beside the metric that decides. With more the table fits no terminal.
SHOWN = ("roc_auc", "pr_auc", "f1")
METRICS = ("n", "churners", *MEANINGS)
# What two models can be like that leaves nothing to measure both on.
CANNOT = (ChampionLacksColumns, OtherRows, OtherTable, TooFewInCommon, UnusableChampion)


def experiments(metric: str, *options: str) -> str:
    """`dvc exp show`, kept narrow: the workspace, the last commit, and its experiments."""
    others = [name for name in METRICS if name not in {metric, *SHOWN}]
    # Names with a slash are files.
    left_out = ["table\\..*", "ceiling\\..*", ".*/.*", "requirements.txt", *others]
    left_out += ["State", "Created", "Executor"]
    command = [
        "dvc",
        "exp",
        "show",
        "--only-changed",
        "--drop",
        f"^({'|'.join(left_out)})$",
        *options,
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line.rstrip() for line in shown.splitlines() if line.strip())


def changed_parameters(a: Side, b: Side) -> dict[str, tuple[Any, Any]]:
    """`dvc params diff`: value in A and in B of each parameter that differs."""
    from dvc.repo import Repo

    with Repo() as repo:
        found = repo.params.diff(a.name, b.name).get("diff", {})
    changes = {name: change for file in found.values() for name, change in file.items()}
    return {name: (one.get("old"), one.get("new")) for name, one in sorted(changes.items())}


def on_whom(a: Side, b: Side, found: Comparison) -> str:
    """The customers that the two were compared on, and why on these."""
    text = f"On {found.n} customers held out from both models, {found.churners} of them churners"
    if a.md5[str(TEST)] == b.md5[str(TEST)]:
        return f"{text}:"
    return (
        f"{text}.\nA and B hold out other rows, since their data or their splits differ: these are "
        f"those of B's {b.table(TEST).num_rows}, as B has them, that A holds out too:"
    )


def comparison(a: Side, b: Side, settings: EvaluateSettings) -> Comparison | str:
    """Both models on the same customers; a sentence where that cannot be, or has no sense."""
    if is_same(a.model.bundle, b.model.bundle):
        return "A and B are the same model."
    try:
        return compared(a.model, b.model.bundle, b.table(TEST), b.model.history, settings)
    except CANNOT as error:
        return f"A and B cannot be compared: {error}"


def measured(a: Side, b: Side, settings: EvaluateSettings) -> list[str]:
    """Metrics of both, and in the last line which is better."""
    found = comparison(a, b, settings)
    if isinstance(found, str):
        return [found]
    return [on_whom(a, b, found), "", *metrics(found.changes, "A", "B"), "", better(found)]


def notes(one: Side) -> list[str]:
    """What about one of the two makes the comparison less than it seems."""
    found = []
    if groups := one.unbuilt:
        found.append(
            f"Note: {one.letter}'s model was built with other values of {', '.join(groups)} than "
            "params.yaml has; dvc repro builds it anew."
        )
    if why := unlike_training(one.model.bundle):
        found.append(f"Note: {one.letter} does not score as it did when it was trained: {why}")
    return found


def compare(a: str, b: str | None, given: Parameters) -> None:
    """Print experiments, differences, and in the last line which is better."""
    old, new = side("A", a), side("B", b)
    blocks = [
        [f"{old}. {new}."],
        [experiments(given.evaluate.metric)],
        parameters(changed_parameters(old, new)),
        data(data_of(old, new)),
        [*notes(old), *notes(new)],
        measured(old, new, given.evaluate),
    ]
    print("\n\n".join("\n".join(lines) for lines in blocks if lines))


if __name__ == "__main__":
    run_on_two(compare, __doc__)
