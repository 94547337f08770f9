"""Stage load: take a snapshot of the source."""

from datetime import UTC, datetime
from pathlib import Path

from churn.settings import Parameters
from churn.snapshots import keep, unfinished_in
from churn.sources import at, take_snapshot
from pipelines.stage import PARTS, run


def load(parameters: Parameters) -> None:
    """source → data/raw/"""
    source, folder = at(parameters.source, datetime.now(UTC)), Path("data/raw")
    with unfinished_in(folder) as unfinished:
        taken = {part: take_snapshot(source, parameters.table, part, unfinished) for part in PARTS}
        keep(taken, folder, unfinished)
    for part, snapshot in taken.items():
        left_out = ", ".join(snapshot.origin.get("ignored_columns", ())) or "none"
        print(f"{part}: {snapshot.rows} rows; columns outside the contract: {left_out}")


if __name__ == "__main__":
    run(load)
