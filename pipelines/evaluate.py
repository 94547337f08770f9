"""Stage evaluate: how good the bundle is on the held-out customers."""

import sys
from pathlib import Path

import pyarrow as pa

from churn.bundle import Bundle
from churn.contract import Contract
from churn.evaluation import evaluate as measured
from churn.evaluation_page import Pipeline, evaluation_page
from churn.features import feature_set
from churn.files import read_json, read_parquet, write_json, write_text
from churn.leaks import Side
from churn.mirror import Mirror
from churn.model_card import model_card
from churn.scoring import Scorer
from churn.settings import Parameters
from churn.synthetic import true_probabilities
from churn.tables import csv, labels, to_columns
from churn.tracking import Run
from pipelines.stage import run

BUNDLE, REPORT = Path("models/churn"), Path("reports/evaluation.html")
CARD = Path("reports/model_card.md")


def evaluate(parameters: Parameters) -> None:
    """models/churn/, data/features/ → reports/metrics.json, evaluation.*, model_card.md, plots/"""
    mirror = Mirror(parameters.tracking)
    contract, bundle = parameters.table, Bundle.load(BUNDLE)
    train = read_parquet(Path("data/features/train.parquet"))
    test = read_parquet(Path("data/features/test.parquet"))
    result = measured(
        Scorer(bundle),
        to_columns(test, contract.known_columns),
        _side(train, contract),
        _side(test, contract),
        true_probabilities(parameters.source, test.column(contract.id_column).to_pylist()),
        parameters.evaluate,
    )
    earlier = Pipeline(
        rows=read_json(Path("reports/rows.json")),
        validation=read_json(Path("reports/validation.json")),
        training=read_json(Path("reports/training.json")),
    )
    page = evaluation_page(result, bundle.manifest, earlier)
    write_json(Path("reports/metrics.json"), result.metrics)
    write_json(Path("reports/evaluation.json"), result.details())
    for name, curve in result.curves.items():
        write_text(Path(f"reports/plots/{name}.csv"), csv(curve))
    write_text(REPORT, page)
    card = model_card(result, bundle, earlier, parameters.source, parameters.balance)
    write_text(CARD, card)
    report = (REPORT, Path("reports/evaluation.json"), Path("reports/training.json"), CARD)
    if warning := mirror.record(Run(parameters, result.metrics, BUNDLE, report)):
        print(f"warning: {warning}", file=sys.stderr)


def _side(table: pa.Table, contract: Contract) -> Side:
    return Side(to_columns(table, feature_set(contract).names), labels(table, contract))


if __name__ == "__main__":
    run(evaluate)
