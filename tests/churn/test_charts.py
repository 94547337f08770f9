import re
from html.parser import HTMLParser

import matplotlib
import pytest

from churn.charts import chart, svg


def drawn(name="roc", description="ROC curve, area 0.900", label="share flagged"):
    with chart(label, "share found") as (figure, axes):
        axes.plot([0, 0.5, 1], [0, 0.9, 1], "o-")
        axes.bar([0.2, 0.4], [0.1, 0.2])
    return svg(figure, name, description)


def ids(element):
    return re.findall(r'\bid="([^"]*)"', element)


def links(element):
    return re.findall(r'(?:href="#|url\(#)([^")]+)', element)


def attributes(element):
    """Attributes of the svg element as a browser reads them."""
    found = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag == "svg":
                found.update(attrs)

    Reader().feed(element)
    return found


def test_a_chart_is_one_svg_element():
    element = drawn()
    assert element.startswith("<svg ")
    assert element.rstrip().endswith("</svg>")
    assert element.count("<svg") == 1
    assert "<?xml" not in element


def test_the_same_chart_has_the_same_bytes():
    assert drawn() == drawn()


def test_a_chart_has_no_date_and_no_version():
    element = drawn()
    assert not re.search(r"20\d\d-\d\d-\d\d", element)
    assert matplotlib.__version__ not in element
    assert "<metadata" not in element


def test_a_reader_who_cannot_see_is_told_what_the_chart_shows():
    found = attributes(drawn(description="ROC curve, area 0.900"))
    assert found["role"] == "img"
    assert found["aria-label"] == "ROC curve, area 0.900"


@pytest.mark.parametrize("description", ['usage of "R&D" < 5 > 3', "a 'quoted' word", "100 % & ü"])
def test_any_words_can_describe_a_chart(description):
    assert attributes(drawn(description=description))["aria-label"] == description


def test_two_charts_on_a_page_share_no_id():
    one, other = drawn("roc"), drawn("pr")
    assert not set(ids(one)) & set(ids(other))
    assert all(name.startswith("roc-") for name in ids(one))


def test_ids_within_a_chart_are_distinct_and_every_link_finds_one():
    element = drawn()
    assert len(set(ids(element))) == len(ids(element))
    assert links(element)
    assert set(links(element)) <= set(ids(element))


def test_a_chart_fits_the_width_of_the_page():
    found = attributes(drawn())
    assert "width" not in found
    assert "height" not in found
    assert "viewbox" in found


def test_text_is_drawn_so_that_no_font_is_needed():
    assert "<text" not in drawn()


def test_a_chart_names_its_axes_and_leaves_the_style_of_others_alone():
    before = dict(matplotlib.rcParams)
    with chart("share flagged", "share found") as (figure, axes):
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("share flagged", "share found")
    svg(figure, "roc", "ROC")
    assert dict(matplotlib.rcParams) == before


def test_words_in_a_chart_may_hold_markup():
    element = drawn(label="R&D <b>")
    assert "<b>" not in element


def test_a_users_own_matplotlib_settings_change_no_byte(monkeypatch):
    before = drawn()
    hostile = {"axes.grid": True, "lines.linewidth": 9, "font.size": 30}
    for name, value in hostile.items():
        monkeypatch.setitem(matplotlib.rcParams, name, value)
    assert drawn() == before
