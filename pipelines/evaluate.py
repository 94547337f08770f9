"""Stage evaluate: how good the bundle is on the held-out customers."""

from pathlib import Path

from churn.bundle import Bundle
from churn.evaluation import evaluate as measured
from churn.evaluation_page import evaluation_page
from churn.files import read_json, read_parquet, write_json, write_text
from churn.scoring import Scorer
from churn.settings import Parameters
from churn.synthetic import true_probabilities
from churn.tables import csv, labels, to_columns
from pipelines.stage import run


def evaluate(parameters: Parameters) -> None:
    """models/churn/, data/features/test.parquet → reports/metrics.json, plots/, evaluation.html"""
    contract, bundle = parameters.table, Bundle.load(Path("models/churn"))
    table = read_parquet(Path("data/features/test.parquet"))
    result = measured(
        labels(table, contract),
        Scorer(bundle).probabilities(to_columns(table, contract.columns)),
        bundle.manifest.threshold,
        true_probabilities(parameters.source, table.column(contract.id_column).to_pylist()),
        parameters.evaluate,
    )
    rows = read_json(Path("reports/rows.json"))
    page = evaluation_page(result, bundle.manifest, rows)
    write_json(Path("reports/metrics.json"), result.metrics)
    write_json(Path("reports/evaluation.json"), result.details)
    for name, curve in result.curves.items():
        write_text(Path(f"reports/plots/{name}.csv"), csv(curve))
    write_text(Path("reports/evaluation.html"), page)


if __name__ == "__main__":
    run(evaluate)
