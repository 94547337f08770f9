"""Stage validate: hold the snapshot against the contract, set bad rows aside."""

from pathlib import Path

from churn.files import read_parquet, write_json, write_parquet
from churn.settings import Parameters
from churn.validation import validate as divide
from pipelines.stage import PARTS, run


def validate(parameters: Parameters) -> None:
    """data/raw/ → data/valid/, data/quarantine/, reports/validation.json"""
    limit = parameters.validate_.max_rejected
    divided = {
        part: divide(
            read_parquet(Path(f"data/raw/{part}.parquet")),
            parameters.table,
            part,
            limit,
            labelled=part == "history",
        )
        for part in PARTS
    }
    for part, one in divided.items():
        print(f"{part}: {one.report['valid']} rows valid, {one.report['quarantined']} set aside")
        write_parquet(Path(f"data/valid/{part}.parquet"), one.valid)
        write_parquet(Path(f"data/quarantine/{part}.parquet"), one.quarantine)
    write_json(Path("reports/validation.json"), {part: one.report for part, one in divided.items()})


if __name__ == "__main__":
    run(validate)
