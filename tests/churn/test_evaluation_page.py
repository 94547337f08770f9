"""The evaluation page: complete, self-contained, accessible, and safe to open."""

import re
from pathlib import Path

import numpy as np
import pytest

from churn import preprocess
from churn.bundle import Manifest, Provenance
from churn.evaluation import evaluate
from churn.evaluation_page import MEANINGS, evaluation_page
from churn.params import read_parameters
from churn.settings import EvaluateSettings
from tests.html import assert_self_contained, charts

PARAMETERS = Path(__file__).parents[2] / "params.yaml"
SETTINGS = EvaluateSettings(resamples=100, seed=0)
DATA = {
    "history": {"rows_in": 1234, "quarantined": 21, "duplicates": 13, "rows_out": 1200},
    "current": {"rows_in": 0, "quarantined": 0, "duplicates": 0, "rows_out": 0},
}
ATTACK = "<script>alert('x')</script>"


def _text(page):
    """What a reader sees: no tags, no charts."""
    body = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def _manifest():
    contract = read_parameters(PARAMETERS).table
    settings = read_parameters(PARAMETERS).preprocess
    gappy = np.array([1.0, np.nan, np.nan, np.nan])
    features = {"calls": np.arange(4.0), "plan": np.array(["a", "b"] * 2, dtype=object)}
    fitted = preprocess.fit({**features, "gappy": gappy}, settings)
    hashes = {"data_sha256": "d" * 64, "parameters_sha256": "p" * 64}
    return Manifest(
        contract=contract,
        preprocessor=fitted,
        feature_names=fitted.names,
        threshold=0.3,
        provenance=Provenance(**hashes, train_rows=4321, train_churners=987),
    )


def _evaluation(with_truth=True):
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 3, 2000)
    labels = (rng.random(2000) < truth).astype(float)
    scores = np.round(truth, 2)
    return evaluate(labels, scores, 0.3, truth if with_truth else None, SETTINGS)


def _page(manifest=None, **changes):
    return evaluation_page(_evaluation(**changes), manifest or _manifest(), DATA)


@pytest.fixture(scope="module")
def page():
    return _page()


def test_two_renders_give_the_same_bytes(page):
    assert _page() == page


def test_the_page_is_self_contained(page):
    assert_self_contained(page)


def test_every_chart_is_valid_and_has_an_alternative_text(page):
    found = charts(page)

    assert [chart.attrib["role"] for chart in found] == ["img"] * 3
    area, error = (_evaluation().metrics[name] for name in ("roc_auc", "calibration_error"))
    roc, precision_recall, calibration = (chart.attrib["aria-label"] for chart in found)
    assert f"area {area:.3f}" in roc
    assert "Precision-recall" in precision_recall
    assert f"calibration error {error:.3f}" in calibration


@pytest.mark.parametrize("name", MEANINGS)
def test_every_metric_stands_with_its_value_and_interval(page, name):
    found = _evaluation()
    low, high = found.details["intervals"][name]
    value = found.metrics[name]

    line = f"{name} {MEANINGS[name]} {value:.4f} {low:.4f} – {high:.4f} "

    assert line in _text(page)


def test_every_metric_that_is_measured_has_a_meaning():
    assert {*MEANINGS} == {*_evaluation().metrics} - {"n", "churners", "ceiling"}


def test_the_page_says_on_how_many_customers_it_stands(page):
    found = _evaluation().metrics

    text = _text(page)
    assert "Measured on 2,000 customers" in text
    assert f"{found['churners']} of them churned" in text
    assert "Every metric on n = 2,000." in text


def test_the_confusion_matrix_is_shown(page):
    cells = _evaluation().details["confusion"]

    text = _text(page)

    hits, misses, alarms, rest = (
        f"{cells[name]:,}"
        for name in ("true_positives", "false_negatives", "false_positives", "true_negatives")
    )
    assert f"churned {hits} {misses} stayed {alarms} {rest} Curves" in text


def test_the_best_possible_is_shown_only_where_it_is_known(page):
    ceiling = _evaluation().metrics["ceiling"]["roc_auc"]

    assert "best possible" in page
    assert f"{ceiling:.3f} is the best possible" in page
    assert "best possible" not in _page(with_truth=False)


def test_the_page_tells_the_rows_the_provenance_and_what_was_dropped(page):
    text = _text(page)
    head = "rows in quarantined duplicates rows out"
    assert f"{head} history 1,234 21 13 1,200 current none given" in text
    assert "Trained on 4,321 customers, 987 of them churners" in text
    assert "d" * 64 in text
    assert "p" * 64 in text
    assert "Dropped as mostly missing: gappy (75%)" in text


def test_text_from_outside_is_escaped():
    manifest = _manifest()
    contract = manifest.contract.model_copy(update={"name": ATTACK})
    provenance = manifest.provenance.model_copy(update={"data_sha256": ATTACK})
    spoilt = manifest.model_copy(update={"contract": contract, "provenance": provenance})

    page = _page(spoilt)

    assert ATTACK not in page
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;") == 2
