"""The charts of the evaluation page: each is told to those who cannot see it, and tells no lie."""

import re
from dataclasses import replace

import pytest

from churn.calibration import NoCalibration
from churn.evaluation_charts import MOST_BARS, evaluation_charts
from churn.importance import importances
from tests.html import charts

pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = ["profit", "importance", "lift", "roc", "precision_recall", "calibration"]


@pytest.fixture(scope="module")
def evaluation(shop):
    return shop.evaluated()


@pytest.fixture(scope="module")
def drawn(evaluation):
    return evaluation_charts(evaluation)


def _told(drawn, name):
    """The alternative text of a chart."""
    (chart,) = charts(drawn[name])
    return chart.attrib["aria-label"]


def _words(drawn, name):
    """Every text in a chart, which matplotlib leaves in comments beside the outlines."""
    return re.findall(r"<!-- (.*?) -->", drawn[name])


def test_there_are_six_charts(drawn):
    assert [*drawn] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_valid_and_has_an_alternative_text(drawn, name):
    (chart,) = charts(drawn[name])

    assert chart.attrib["role"] == "img"
    assert len(chart.attrib["aria-label"]) > 20


def test_the_alternative_texts_hold_the_figures_that_the_charts_show(evaluation, drawn):
    found, worth = evaluation.metrics, evaluation.campaign
    before, after = evaluation.calibration_error.values()

    share, earned = f"{worth.share_contacted:.0%} contacted", f"{worth.profit:,.0f} USD"
    assert f"the dot is the break-even point, {share}, {earned}" in _told(drawn, "profit")
    assert f"there are {found['top_decile_lift']:.1f} times as many" in _told(drawn, "lift")
    assert f"ROC curve, area {found['roc_auc']:.3f};" in _told(drawn, "roc")
    assert f"curve, area {found['pr_auc']:.3f};" in _told(drawn, "precision_recall")
    error = f"calibration error {before:.3f} before and {after:.3f} after calibration"
    assert error in _told(drawn, "calibration")


def test_the_three_strongest_inputs_are_named_and_all_are_drawn(evaluation, drawn):
    names = [one.input for one in evaluation.importances.inputs]

    assert _told(drawn, "importance").endswith(f"most: {', '.join(names[:3])}")
    assert set(names) <= set(_words(drawn, "importance"))


def test_of_many_inputs_the_strongest_fifteen_are_drawn(scorer, customers, shop, evaluation):
    many = importances(scorer, customers)
    assert len(many.inputs) > MOST_BARS

    words = _words(evaluation_charts(replace(evaluation, importances=many)), "importance")

    names = [one.input for one in many.inputs]
    assert [name for name in names if name in words] == names[:MOST_BARS]


def test_the_money_is_drawn_in_the_users_currency(shop):
    drawn = evaluation_charts(shop.evaluated(currency="$10 <b>&"))

    assert "profit, $10 &lt;b&gt;&amp;" in _words(drawn, "profit")
    assert _told(drawn, "profit").endswith("$10 <b>&")


def test_an_offer_that_never_pays_has_no_break_even_point(shop):
    drawn = evaluation_charts(shop.evaluated(offer_cost=1000))

    told = _told(drawn, "profit")
    assert told.endswith("the dot is to contact nobody, since an offer never pays")
    assert "break-even" not in told


def test_without_calibration_there_is_nothing_before_it(shop, drawn):
    evaluation = shop.evaluated(shop.changed(calibration=NoCalibration()))
    error = evaluation.metrics["calibration_error"]

    plain = evaluation_charts(evaluation)

    told = _told(plain, "calibration")
    assert told.startswith(f"Reliability curve, calibration error {error:.3f}; a perfect model")
    assert {"trees alone", "calibrated"} <= set(_words(drawn, "calibration"))
    assert not {"trees alone", "calibrated"} & set(_words(plain, "calibration"))


def test_the_same_evaluation_is_drawn_with_the_same_bytes(evaluation, drawn):
    assert evaluation_charts(evaluation) == drawn
