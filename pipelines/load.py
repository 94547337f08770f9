"""Stage load: take a snapshot of the source."""

from datetime import UTC, datetime
from pathlib import Path

from churn.files import write_json, write_parquet
from churn.settings import Parameters
from churn.sources import at, take_snapshot
from pipelines.stage import PARTS, run


def load(parameters: Parameters) -> None:
    """source → data/raw/"""
    source = at(parameters.source, datetime.now(UTC))
    taken = {part: take_snapshot(source, parameters.table, part) for part in PARTS}
    for part, snapshot in taken.items():
        left_out = ", ".join(snapshot.origin.get("ignored_columns", ())) or "none"
        print(f"{part}: {snapshot.table.num_rows} rows; columns outside the contract: {left_out}")
        write_parquet(Path(f"data/raw/{part}.parquet"), snapshot.table)
    write_json(
        Path("data/raw/manifest.json"), {part: one.description for part, one in taken.items()}
    )


if __name__ == "__main__":
    run(load)
