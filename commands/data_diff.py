"""`make data-diff A=… B=…`: the customers of two commits or experiments, and what came of them.

Distributions are those of the customers learnt from: B's against the bins in A's bundle. Without A
it is the last commit, without B the workspace.
"""

from __future__ import annotations

from churn.data_versions import columns, distributions, in_both, metrics, moved, rows, verdict
from churn.differences import data
from churn.settings import Parameters
from churn.tables import to_columns
from commands.champion import TRAIN
from commands.sides import data_of, run_on_two, side


def data_diff(a: str, b: str | None, given: Parameters) -> None:
    """Print how the data of two versions differ, and the metrics of the models built from them."""
    old, new = side("A", a), side("B", b)
    before, now = (one.model.bundle.manifest.contract for one in (old, new))
    table = to_columns(new.table(TRAIN), in_both(before, now))
    found = moved(old.model.bundle.reference, table, given.drift)
    blocks = [
        [f"{old}. {new}."],
        data(data_of(old, new)),
        rows(old.rows, new.rows),
        columns(before, now),
        distributions(found),
        [*metrics(old.metrics, new.metrics), "(each on its own held-out customers)"],
        [verdict(found)],
    ]
    print("\n\n".join("\n".join(lines) for lines in blocks))


if __name__ == "__main__":
    run_on_two(data_diff, __doc__)
