"""Stage drift: how far the current customers have moved, and what that does to the model."""

from pathlib import Path

from churn.bundle import Bundle
from churn.drift_page import drift_page
from churn.drift_report import Baseline, report
from churn.files import read_json, read_parquet, write_json, write_text
from churn.scoring import Scorer
from churn.settings import Parameters
from churn.tables import labels, to_columns
from pipelines.stage import run


def drift(parameters: Parameters) -> None:
    """models/churn/, data/features/{test,current}.parquet → reports/drift.json, drift.html"""
    contract, bundle = parameters.table, Bundle.load(Path("models/churn"))
    scorer = Scorer(bundle)
    held_out = read_parquet(Path("data/features/test.parquet"))
    table = read_parquet(Path("data/features/current.parquet"))
    columns = to_columns(table, contract.known_columns)
    found = report(
        columns,
        scorer.probabilities(columns),
        labels(table, contract),
        bundle.manifest.threshold,
        bundle.reference,
        Baseline(
            scorer.probabilities(to_columns(held_out, contract.known_columns)),
            read_json(Path("reports/metrics.json")),
        ),
        parameters.drift,
    )
    rows = read_json(Path("reports/rows.json"))
    page = drift_page(
        found,
        bundle.manifest.threshold,
        bundle.reference.rows,
        parameters.drift,
        has_current=rows["current"]["rows_out"] > 0,
    )
    write_json(Path("reports/drift.json"), found.summary())
    write_text(Path("reports/drift.html"), page)


if __name__ == "__main__":
    run(drift)
