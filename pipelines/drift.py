"""Stage drift: how far the current customers have moved away from the training rows."""

from pathlib import Path

from churn.bundle import Bundle
from churn.drift import compare
from churn.drift_page import drift_page
from churn.files import read_json, read_parquet, write_json, write_text
from churn.scoring import Scorer
from churn.settings import Parameters
from churn.tables import labels, to_columns
from pipelines.stage import run


def drift(parameters: Parameters) -> None:
    """models/churn/, data/features/current.parquet → reports/drift.json, drift.html"""
    contract, bundle = parameters.table, Bundle.load(Path("models/churn"))
    table = read_parquet(Path("data/features/current.parquet"))
    columns = to_columns(table, contract.known_columns)
    comparison = compare(
        columns,
        Scorer(bundle).probabilities(columns),
        labels(table, contract),
        bundle.manifest.threshold,
        bundle.reference,
        parameters.drift,
    )
    rows = read_json(Path("reports/rows.json"))
    page = drift_page(
        comparison,
        bundle.reference.rows,
        parameters.drift,
        has_current=rows["current"]["rows_out"] > 0,
    )
    write_json(Path("reports/drift.json"), comparison.summary())
    write_text(Path("reports/drift.html"), page)


if __name__ == "__main__":
    run(drift)
