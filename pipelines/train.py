"""Stage train: the one place where anything is fitted."""

from pathlib import Path

from churn.features import feature_set
from churn.files import read_parquet, sha256, write_json
from churn.settings import Parameters
from churn.tables import labels, to_columns
from churn.training import train as trained
from pipelines.stage import run

ROWS = Path("data/features/train.parquet")


def train(parameters: Parameters) -> None:
    """data/features/train.parquet → models/churn/, reports/training.json"""
    table, contract = read_parquet(ROWS), parameters.table
    result = trained(
        to_columns(table, contract.columns),
        to_columns(table, feature_set(contract).names),
        labels(table, contract),
        parameters,
        sha256(ROWS),
    )
    result.bundle.save(Path("models/churn"))
    write_json(Path("reports/training.json"), result.report)


if __name__ == "__main__":
    run(train)
