"""The drift page: what moved comes first, and the page is self-contained and safe to open."""

import re

import numpy as np
import pytest

from churn.drift import Comparison, compare
from churn.drift_page import SHOWN_BARS, drift_page
from churn.reference import SCORE, reference
from churn.settings import DriftSettings
from tests.html import Tags, assert_self_contained, charts

SETTINGS = DriftSettings(warning=0.1, alarm=0.25)
ATTACK = "<script>alert('x')</script>"


def _customers(seed=0, shift=0.0, fiber=0.5, word="DSL"):
    """Seven columns and a score, of 400 customers."""
    rng = np.random.default_rng(seed)
    columns = {f"number_{i}": rng.normal(60, 10, 400) for i in range(6)}
    columns["number_0"] += shift
    columns["plan"] = np.where(rng.random(400) < fiber, "Fiber", word).astype(object)
    return columns, rng.random(400)


def _comparison(labels=None, **changes) -> Comparison:
    unknown = np.full(400, np.nan)
    known = reference(*_customers(word=changes.get("word", "DSL")))
    outcomes = unknown if labels is None else labels
    return compare(*_customers(**changes), outcomes, 0.5, known, SETTINGS)


def _page(comparison=None, *, has_current=True):
    return drift_page(comparison or _moved(), 1234, SETTINGS, has_current=has_current)


def _moved():
    return _comparison(shift=4, fiber=0.99)


@pytest.fixture(scope="module")
def page():
    return _page()


def test_two_renders_give_the_same_bytes(page):
    assert _page() == page


def test_the_page_is_self_contained(page):
    assert_self_contained(page)


def test_the_strongest_movements_have_charts_with_alternative_texts(page):
    strongest = [*_moved().drifts][:SHOWN_BARS]

    found = charts(page)

    assert [chart.attrib["role"] for chart in found] == ["img"] * SHOWN_BARS
    assert [chart.attrib["aria-label"] for chart in found] == [
        f"Distribution of {name}: training against current" for name in strongest
    ]


def test_every_column_stands_with_its_index_and_level_the_strongest_first(page):
    rows = re.findall(r'<tr><td>(\w+)</td><td class="n">([\d.]+)</td><td>.*?>(\w+)</span>', page)

    drifts = _moved().drifts
    assert rows == [(name, f"{one.psi:.4f}", one.level) for name, one in drifts.items()]
    assert rows[0][0] == "plan"
    assert SCORE in [name for name, _, _ in rows]


def test_the_page_says_what_is_compared_with_what(page):
    assert "400 current customers against the 1,234 that the model learnt from" in page
    assert "a warning from 0.1, an alarm from 0.25" in page


def test_the_page_says_so_where_test_customers_stand_in():
    page = _page(has_current=False)

    assert "400 test customers (there are no current ones) against" in page


def test_the_verdict_counts_what_moved():
    moved = _moved()
    count = sum(one.level != "ok" for one in moved.drifts.values())

    page = _page(moved)

    assert f"{count} of 8 distributions moved." in page
    assert f'<span class="level {moved.level}">{moved.level}</span></p>' in page


def test_where_nothing_moved_the_page_says_so():
    page = _page(_comparison())

    assert "no column has moved far enough to matter." in page
    assert '<span class="level ok">ok</span></p>' in page


def test_unknown_outcomes_are_called_unknown(page):
    assert "outcomes are not in the data yet" in page


def test_known_quality_is_shown_with_its_number_of_rows():
    labels = (np.random.default_rng(1).random(400) < 0.3).astype(float)
    comparison = _comparison(labels=labels)

    page = _page(comparison)

    assert '<td>n</td><td class="n">400</td>' in page
    assert f'<td>roc_auc</td><td class="n">{comparison.quality["roc_auc"]:.4f}</td>' in page
    assert "not in the data yet" not in page


# words of the customers' own data


def _plan_chart(word):
    """The chart of the column that has the word among its values."""
    page = _page(_comparison(word=word, fiber=0.9))
    charts = re.findall(r"<svg .*?</svg>", page, re.DOTALL)
    return next(chart for chart in charts if "Distribution of plan" in chart)


@pytest.mark.parametrize("word", ["-->" + ATTACK, '"><svg onload=alert(1)>'])
def test_a_category_cannot_smuggle_in_code(word):
    page = _page(_comparison(word=word, fiber=0.9))

    tags = Tags(page).found
    assert "script" not in {tag for tag, _ in tags}
    assert not any("onload" in attributes for _, attributes in tags)
    assert len(charts(page)) == SHOWN_BARS


@pytest.mark.parametrize("word", [r"$\bad$", "$x_$", "50%_^{"])
def test_a_category_with_signs_of_formulas_can_be_drawn(word):
    assert f"<!-- {word} -->" in _plan_chart(word)


def test_a_price_range_is_drawn_as_it_is_written():
    def glyphs(word):
        drawn = _plan_chart(word).split(f"<!-- {word} -->")[1].split("<!-- ")[0]
        return drawn.count("<use ")

    assert glyphs("$10 to $20") == glyphs("!10 to !20")  # spaces and dollar signs are kept
