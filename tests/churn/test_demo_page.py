"""The demo's page: whole, self-contained, and true to the story."""

from __future__ import annotations

from churn.demo_page import demo_page
from churn.params import read_parameters
from churn.story import Story
from tests.checkout import ROOT
from tests.html import assert_self_contained, charts
from tests.stories import day, good_story, story

SETTINGS = read_parameters(ROOT / "params.yaml").drift


def page(told: Story) -> str:
    return demo_page(told, SETTINGS)


def test_the_page_tells_what_happened_and_needs_nothing_else():
    found = page(good_story())

    assert_self_contained(found)
    assert len(charts(found)) == 3
    for words in (
        "The log told of it on day 23.",
        "On day 45, when enough outcomes were known to learn from, a new model took over.",
        "No requests failed",
        "<b>100.0%</b>correct in the last 10 days, with the new model",
        "<b>50.0%</b>correct on the same customers, had the old model gone on",
        '<td class="n">23</td><td>age has drifted: PSI 0.300, alarm from 0.25</td>',
        "1,600 customers",
    ):
        assert words in found


def test_the_same_story_gives_the_same_bytes():
    assert page(good_story()) == page(good_story())


def test_what_did_not_happen_is_not_told():
    found = page(story([day() for _ in range(60)]))

    assert_self_contained(found)
    assert "The log told nothing of it." in found
    assert "No new model was made." in found
    assert "had the old model gone on" not in found.replace("in truth, ", "")


def test_requests_that_failed_are_told():
    assert "3 requests failed" in page(good_story(failed=3))
