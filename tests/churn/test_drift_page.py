"""The drift page: what moved comes first, and the page is self-contained and safe to open."""

import dataclasses
import re

import numpy as np
import pytest

from churn import estimation
from churn.drift_page import SHOWN_BARS, drift_page
from churn.drift_report import Baseline, DriftReport, report
from churn.quality import METRICS
from churn.reference import SCORE, reference
from tests.drifting import SETTINGS
from tests.html import Tags, assert_self_contained, charts

THRESHOLD = 0.5
BASELINE = dict.fromkeys(METRICS, 0.7) | {"calibration_error": 0.03}
ATTACK = "<script>alert('x')</script>"


def _customers(seed=0, shift=0.0, fiber=0.5, word="DSL", numbers=1):
    """So many numbers, a plan and a score, of 400 customers."""
    rng = np.random.default_rng(seed)
    columns = {f"number_{i}": rng.normal(60, 10, 400) for i in range(numbers)}
    columns["number_0"] += shift
    columns["plan"] = np.where(rng.random(400) < fiber, "Fiber", word).astype(object)
    return columns, rng.random(400)


def _report(labels=None, baseline=BASELINE, score=lambda scores: scores, **changes) -> DriftReport:
    unknown = np.full(400, np.nan)
    _, before = known = _customers(
        word=changes.get("word", "DSL"), numbers=changes.get("numbers", 1)
    )
    columns, scores = _customers(**changes)
    return report(
        columns,
        score(scores),
        unknown if labels is None else labels,
        THRESHOLD,
        reference(*known),
        Baseline(before, {**baseline, "n": 400}),
        SETTINGS,
    )


def _page(found=None, *, has_current=True):
    return drift_page(found or _moved(), THRESHOLD, 1234, SETTINGS, has_current=has_current)


def _moved():
    return _report(shift=4, fiber=0.99, numbers=SHOWN_BARS)


def _outcomes(follow=True):
    """Outcomes of the customers without change, that follow their scores, or do not."""
    rng, (_, scores) = np.random.default_rng(1), _customers()
    return (rng.random(400) < (scores if follow else 0.5)).astype(float)


def _todo(page):
    return page[page.index("What to do") : page.index("What moved, and how far")]


@pytest.fixture(scope="module")
def page():
    return _page()


def test_two_renders_give_the_same_bytes(page):
    assert _page() == page


def test_the_page_is_self_contained(page):
    assert_self_contained(page)


def test_the_strongest_movements_and_the_score_have_charts_with_alternative_texts(page):
    names = [name for name in _moved().comparison.drifts if name != SCORE][:SHOWN_BARS]

    found = charts(page)

    assert [chart.attrib["role"] for chart in found] == ["img"] * (SHOWN_BARS + 1)
    assert [chart.attrib["aria-label"] for chart in found] == [
        f"Distribution of {name}: training against current" for name in [*names, SCORE]
    ]


def test_every_column_stands_with_level_index_and_chance_the_strongest_first(page):
    cell = r'<td class="n">([\d.]+)</td>'
    rows = re.findall(rf"<tr><td>(\w+)<small>.*?>(\w+)</span>.*?</td>{cell}{cell}", page)

    drifts = _moved().comparison.drifts
    assert rows == [
        (name, one.level, f"{one.psi:.4f}", f"{one.chance:.4f}") for name, one in drifts.items()
    ]
    assert rows[0][0] == "plan"
    assert SCORE in [name for name, *_ in rows]


def test_a_column_stands_with_the_share_that_changed_most(page):
    plan = _moved().comparison.drifts["plan"]

    before, now = plan.reference[1], plan.current[1]
    assert f"<small>Fiber: {before:.1%} → {now:.1%}</small>" in page


def test_p_values_are_told_as_people_do(page):
    assert '<td class="n">&lt; 0.001</td>' in page
    assert re.search(r'<td class="n">[01]\.\d{3}</td>', page)


def test_a_column_that_chance_alone_may_have_moved_is_told_so():
    found = _report(seed=3)
    drifts = {n: dataclasses.replace(one, psi=0.2) for n, one in found.comparison.drifts.items()}
    comparison = dataclasses.replace(found.comparison, drifts=drifts)

    assert "may be chance" not in _page(found)
    assert "may be chance" in _page(dataclasses.replace(found, comparison=comparison))


def test_the_page_says_what_is_compared_with_what(page):
    assert "400 current customers against the 1,234 that the model learnt from" in page
    assert "a warning from 0.1, an alarm from 0.25" in page


def test_the_page_says_so_where_test_customers_stand_in():
    page = _page(_report(), has_current=False)

    assert "400 test customers (there are no current ones) against" in page
    assert "Collect the outcomes" not in page


def test_the_verdict_counts_what_moved(page):
    count = sum(one.level != "ok" for one in _moved().comparison.drifts.values())

    assert 0 < count < 8
    assert f"{count} of 8 distributions moved." in page
    assert '<span class="level alarm">alarm</span></p>' in page


def test_where_nothing_moved_the_page_says_so_and_asks_for_nothing():
    page = _page(_report(labels=_outcomes(), baseline=dict.fromkeys(METRICS, 0.03)))

    assert "no column has moved far enough to matter." in page
    assert '<span class="level ok">ok</span></p>' in page
    assert "Nothing needs to be done now." in _todo(page)
    assert _todo(page).count("<li>") == 1


# what to do


def test_an_alarm_asks_for_training_with_its_reason_and_for_a_look_at_the_data_first(page):
    todo = _todo(page)

    plan = _moved().comparison.drifts["plan"]
    assert "Train again:" in todo
    assert f"<li>plan has drifted: PSI {plan.psi:.3f}, alarm from 0.25</li>" in todo
    assert "First make sure that it is the customers who changed, and not the data" in todo


def test_a_warning_asks_to_watch():
    todo = _todo(_page(_report(fiber=0.68)))

    assert "Watch plan: moved, but not so far as to train again for it." in todo
    assert "Train again" not in todo


def test_a_measured_fall_asks_for_training():
    found = _report(labels=_outcomes(follow=False))

    todo = _todo(_page(found))

    one = found.quality.metrics["roc_auc"]
    assert one.fallen
    assert f"roc_auc is worse by {one.fall:.3f}" in todo


def test_an_estimated_fall_is_told_while_outcomes_are_unknown():
    low = {"score": lambda scores: 0.4 + scores / 5}

    todo = _todo(_page(_report(**low)))

    assert re.search(r"Expect .*ROC-AUC to be lower: see the estimate below\.", todo)
    assert "to be lower" not in _todo(_page(_report(labels=_outcomes(), **low)))


def test_unknown_outcomes_are_called_unknown_and_are_to_be_collected(page):
    assert "Measured quality is not known" in page
    assert "Collect the outcomes of these customers" in _todo(page)


# score and quality


def test_the_score_stands_with_its_mean_and_both_sides_of_the_threshold():
    found = _report(score=lambda scores: scores**2)

    page = _page(found)

    for share in (found.held_out.mean, found.current.mean, found.current.flagged):
        assert f'<td class="n">{share:.1%}</td>' in page
    assert f'<td class="n">{1 - found.current.flagged:.1%}</td>' in page
    assert "flagged, from 0.500" in page
    assert found.current.mean < found.held_out.mean


def test_quality_stands_before_estimated_and_measured():
    found = _report(labels=_outcomes())

    page = _page(found)

    estimate, measured = found.estimated.metrics["recall"], found.quality.metrics["recall"]
    row = re.search(r"<tr><td>recall.*?</tr>", page)[0]
    assert ">0.7000</td>" in row
    assert f"{estimate.value:.4f}<small>{estimate.low:.4f} – {estimate.high:.4f}</small>" in row
    assert f"{measured.value:.4f}</td>" in row
    assert "n = 400" in page
    assert "Measured quality is not known" not in page


def test_a_metric_that_fell_is_marked_and_one_that_may_have_by_chance():
    found = _report(labels=_outcomes(follow=False), baseline={**BASELINE, "recall": 0.56})

    page = _page(found)

    assert f"worse by {found.quality.metrics['roc_auc'].fall:.3f}" in page
    fall = found.quality.metrics["recall"]
    assert ("the fall may be chance" in page) == (fall.fall > 0.05 and not fall.fallen)


def test_too_few_customers_for_an_estimate_are_told():
    one = estimation.estimate(np.full(50, 0.5), np.full(50, True))

    page = _page(dataclasses.replace(_report(), estimated=one))

    assert "No estimate: 50 customers; an estimate needs 100." in page
    assert "estimated now" not in page


# words of the customers' own data


def _plan_chart(word):
    """The chart of the column that has the word among its values."""
    page = _page(_report(word=word, fiber=0.9))
    charts = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    return next(chart for chart in charts if "Distribution of plan" in chart)


@pytest.mark.parametrize("word", ["-->" + ATTACK, '"><svg onload=alert(1)>'])
def test_a_category_cannot_smuggle_in_code(word):
    page = _page(_report(word=word, fiber=0.9))

    tags = Tags(page).found
    assert "script" not in {tag for tag, _ in tags}
    assert not any("onload" in attributes for _, attributes in tags)
    assert len(charts(page)) == 3


@pytest.mark.parametrize("word", [r"$\bad$", "$x_$", "50%_^{"])
def test_a_category_with_signs_of_formulas_can_be_drawn(word):
    assert f"<!-- {word} -->" in _plan_chart(word)


def test_a_price_range_is_drawn_as_it_is_written():
    def glyphs(word):
        drawn = _plan_chart(word).split(f"<!-- {word} -->")[1].split("<!-- ")[0]
        return drawn.count("<use ")

    assert glyphs("$10 to $20") == glyphs("!10 to !20")  # spaces and dollar signs are kept
