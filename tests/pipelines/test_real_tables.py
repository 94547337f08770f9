"""The two real tables run through all seven stages by configuration alone."""

from __future__ import annotations

import json

import pytest

from tests.checkout import Checkout


@pytest.mark.whole
@pytest.mark.parametrize(
    ("table", "rows", "least_auc", "sums"),
    [
        ("ibm_telco", 7043, 0.82, set()),
        ("mlc_churn", 5000, 0.88, {"sum_of_minutes", "sum_of_USD"}),
    ],
)
def test_a_real_table_runs_by_configuration_alone(
    checkout: Checkout, real_table, table, rows, least_auc, sums
):
    history = real_table(f"{table}.csv")
    checkout.run(
        "dvc", "exp", "run", "-q", "-S", f"table={table}", "-S", "source=csv",
        "-S", f"source.history={history}", "-S", "evaluate.resamples=100",
    )  # fmt: skip
    metrics, counted, drift, details = (
        json.loads((checkout.folder / f"reports/{name}.json").read_text())
        for name in ("metrics", "rows", "drift", "evaluation")
    )
    assert metrics["roc_auc"] > least_auc
    assert "ceiling" not in metrics
    assert counted["history"]["rows_in"] == rows == sum(counted["history"].values()) - rows
    # These tables are known to have no leak.
    assert details["leaks"] == []
    inputs = {one["input"] for one in details["importance"]["inputs"]}
    assert {name for name in inputs if name.startswith("sum_of_")} == sums
    # Without current customers the test rows are compared, whose outcomes are known.
    assert drift["rows"] == metrics["n"]
    assert drift["quality"]["metrics"]["roc_auc"]["value"] == metrics["roc_auc"]
    assert not any(one["fallen"] for one in drift["quality"]["metrics"].values())
    page = (checkout.folder / "reports/drift.html").read_text()
    assert "test customers (there are no current ones)" in page


def test_blank_charges_are_missing_values_not_bad_rows(checkout: Checkout, real_table):
    checkout.compose(
        "table=ibm_telco", "source=csv", f"source.history={real_table('ibm_telco.csv')}"
    )
    for stage in ("load", "validate", "clean"):
        assert checkout.stage(stage).returncode == 0
    counted = json.loads((checkout.folder / "reports/rows.json").read_text())
    assert counted["history"]["quarantined"] == 0
