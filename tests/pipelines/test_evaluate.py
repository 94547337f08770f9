"""What the stage evaluate writes: true by scikit-learn's reckoning, wherever MLflow is."""

from __future__ import annotations

import csv
import json
import shutil
import socket

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from churn.bundle import Bundle
from churn.files import read_parquet
from churn.params import read_parameters
from churn.scoring import Scorer
from churn.synthetic import true_probabilities
from churn.tables import labels, to_columns
from tests.checkout import Checkout
from tests.html import assert_self_contained, charts

METRICS = (
    *("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "log_loss", "brier"),
    *("calibration_error", "top_decile_lift"),
)
CURVES = {
    *("roc", "precision_recall", "lift", "calibration", "uncalibrated", "profit", "importance"),
}


def report(checkout: Checkout, name: str):
    return json.loads((checkout.folder / "reports" / name).read_text())


@pytest.fixture(scope="module")
def held_out(reproduced: Checkout):
    """Outcomes, scores, decisions and true probabilities of the test customers."""
    parameters = read_parameters(reproduced.folder / "params.yaml")
    table = read_parquet(reproduced.folder / "data/features/test.parquet")
    scorer = Scorer(Bundle.load(reproduced.folder / "models/churn"))
    scores = scorer.probabilities(to_columns(table, parameters.table.columns))
    ids = table.column(parameters.table.id_column).to_pylist()
    outcomes, truth = labels(table, parameters.table), true_probabilities(parameters.source, ids)
    return outcomes, scores, scorer.decisions(scores), truth


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


# what is in it


def test_every_metric_is_what_scikit_learn_says(reproduced: Checkout, held_out):
    outcomes, scores, decided, _ = held_out
    found = report(reproduced, "metrics.json")

    top = np.sort(scores)[::-1][round(len(scores) / 10) - 1]
    assert (scores == top).sum() == 1  # no customers of equal score across the edge of the tenth
    number = np.minimum((scores * 10).astype(int), 9)
    gaps = [abs((scores - outcomes)[number == one].sum()) for one in range(10)]
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(outcomes, decided),
        "precision": sklearn_metrics.precision_score(outcomes, decided),
        "recall": sklearn_metrics.recall_score(outcomes, decided),
        "f1": sklearn_metrics.f1_score(outcomes, decided),
        "roc_auc": sklearn_metrics.roc_auc_score(outcomes, scores),
        "pr_auc": sklearn_metrics.average_precision_score(outcomes, scores),
        "log_loss": sklearn_metrics.log_loss(outcomes, scores),
        "brier": sklearn_metrics.brier_score_loss(outcomes, scores),
        "calibration_error": sum(gaps) / len(scores),
        "top_decile_lift": outcomes[scores >= top].mean() / outcomes.mean(),
    }
    assert {name: found[name] for name in METRICS} == pytest.approx(expected)
    assert (found["n"], found["churners"]) == (len(outcomes), outcomes.sum())


def test_every_metric_has_its_interval(reproduced: Checkout):
    assert [*report(reproduced, "evaluation.json")["intervals"]] == [*METRICS]


def test_the_confusion_matrix_is_scikit_learns(reproduced: Checkout, held_out):
    outcomes, _, decided, _ = held_out
    cells = report(reproduced, "evaluation.json")["confusion"]

    assert sklearn_metrics.confusion_matrix(outcomes, decided).tolist() == [
        [cells["true_negatives"], cells["false_positives"]],
        [cells["false_negatives"], cells["true_positives"]],
    ]


def test_beside_them_stand_the_scores_of_the_true_probabilities(reproduced: Checkout, held_out):
    outcomes, _, _, truth = held_out

    assert report(reproduced, "metrics.json")["ceiling"] == pytest.approx(
        {
            "roc_auc": sklearn_metrics.roc_auc_score(outcomes, truth),
            "pr_auc": sklearn_metrics.average_precision_score(outcomes, truth),
            "log_loss": sklearn_metrics.log_loss(outcomes, truth),
            "brier": sklearn_metrics.brier_score_loss(outcomes, truth),
        }
    )


def test_honest_customers_raise_no_alarm(reproduced: Checkout):
    assert report(reproduced, "evaluation.json")["leaks"] == []


def test_every_curve_is_written_for_dvc(reproduced: Checkout):
    paths = (reproduced.folder / "reports/plots").iterdir()
    rows = {path.stem: [*csv.reader(path.read_text().splitlines())] for path in paths}

    assert {*rows} == CURVES
    assert all(len(lines) > 2 for lines in rows.values())
    assert rows["importance"][0] == ["input", "strength"]


def test_the_page_is_self_contained_and_every_chart_is_told(reproduced: Checkout):
    page = (reproduced.folder / "reports/evaluation.html").read_text()

    assert_self_contained(page)
    told = [chart.attrib["aria-label"] for chart in charts(page)]
    assert len(told) == len(set(told)) == 6
    assert str(reproduced.folder) not in page


# MLflow


def reports(checkout: Checkout) -> dict[str, bytes]:
    paths = (path for path in (checkout.folder / "reports").rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in paths}


def evaluated(checkout: Checkout, uri: str) -> str:
    """Run the stage with this store; what it says on standard error."""
    checkout.change_params(lambda params: params["tracking"].update(uri=uri))
    done = checkout.stage("evaluate")
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.whole
def test_what_is_written_is_the_same_with_and_without_mlflow(checkout: Checkout, closed_port: int):
    # Given the reports of a run without a store,
    before, unsent = reports(checkout), checkout.folder / "mlruns/unsent"
    shutil.rmtree(checkout.folder / "mlruns", ignore_errors=True)
    # when a store takes the run, then it is in there,
    assert evaluated(checkout, "sqlite:///mlruns/mlflow.db") == ""
    assert (checkout.folder / "mlruns/mlflow.db").is_file()
    assert [*unsent.iterdir()] == []
    assert reports(checkout) == before
    # and when the server is away, one line says where it is; the reports keep their bits.
    said = evaluated(checkout, f"http://me:hunter2@127.0.0.1:{closed_port}")
    away = f"warning: MLflow at http://***@127.0.0.1:{closed_port}: Connection refused. The run is"
    assert said.startswith(away)
    assert said.count("\n") == 1
    assert len([*unsent.iterdir()]) == 1
    assert reports(checkout) == before
