"""Stage train: the one place where anything is fitted."""

from pathlib import Path

from churn.features import feature_set
from churn.files import read_parquet, sha256, write_json, write_text
from churn.settings import Parameters
from churn.tables import labels, to_columns
from churn.training import train as trained
from pipelines.stage import run

ROWS = Path("data/features/train.parquet")


def train(parameters: Parameters) -> None:
    """data/features/train.parquet → models/churn/, reports/training.json, reports/trials.csv"""
    table, contract = read_parquet(ROWS), parameters.table
    result = trained(
        to_columns(table, contract.known_columns),
        to_columns(table, feature_set(contract).names),
        labels(table, contract),
        parameters,
        sha256(ROWS),
    )
    result.bundle.save(Path("models/churn"))
    write_json(Path("reports/training.json"), result.report)
    write_text(Path("reports/trials.csv"), result.trials)
    found = result.report["search"]
    print(f"best of {found['trials']} trials: {found['scoring']} {found['score']:.4f}")


if __name__ == "__main__":
    run(train)
