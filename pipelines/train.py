"""Stage train: the one place where anything is fitted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from churn.features import feature_set
from churn.files import sha256, write_json, write_text
from churn.settings import Parameters
from churn.tables import read_columns
from churn.training import train as trained
from pipelines.stage import run

ROWS = Path("data/features/train.parquet")


def train(parameters: Parameters) -> None:
    """data/features/train.parquet → models/churn/, reports/training.json, reports/trials.csv"""
    contract, target = parameters.table, parameters.table.target.column
    features = read_columns(ROWS, feature_set(contract).names)
    result = trained(
        {name: features[name] for name in contract.known_columns},
        features,
        read_columns(ROWS, [target])[target],
        parameters,
        sha256(ROWS),
    )
    result.bundle.save(Path("models/churn"))
    write_json(Path("reports/training.json"), result.report)
    write_text(Path("reports/trials.csv"), result.trials)
    print(said(result.report["search"]))


def said(search: Mapping[str, Any]) -> str:
    """What the search found, beside what `conf/model` scores on the same folds."""
    configured = f"{search['scoring']} {search['configured_score']:.4f}"
    if search["method"] == "none":
        return f"{configured} by cross-validation"
    best = f"best of {search['trials']} trials: {search['scoring']} {search['score']:.4f}; "
    if search["score"] > search["configured_score"]:
        return f"{best}conf/model as it is: {configured}"
    return f"{best}conf/model as it is does no worse: {configured}. It is better left alone"


if __name__ == "__main__":
    run(train)
