from types import SimpleNamespace

import pytest
from jinja2 import TemplateNotFound, UndefinedError
from markupsafe import Markup

from churn.page import render


def drift(name, charts=None, **changes):
    """The drift page of one column with the given name."""
    score = "churn_probability"
    kept = SimpleNamespace(n=2000, mean=0.2, flagged=0.3)
    report = SimpleNamespace(
        comparison=SimpleNamespace(
            rows=2000, drifts={one: SimpleNamespace(psi=0.01) for one in (name, score)}
        ),
        current=kept,
        held_out=kept,
        quality=None,
        estimated=SimpleNamespace(reason="too few", metrics=None),
    )
    column = dict.fromkeys(("bin", "shares", "psi", "chance", "p"), "0")
    values = {
        "report": report,
        "level": "ok",
        "moved": [],
        "columns": [{"name": name, "level": "ok", "by_chance": False, **column}],
        "quality": [],
        "todo": [],
        "charts": {name: "", score: "", **(charts or {})},
        "score": score,
        "strongest": [name],
        "threshold": 0.5,
        "reference_rows": 8000,
        "settings": SimpleNamespace(warning=0.1, alarm=0.25, false_alarm=0.01, max_fall=0.05),
        "has_current": True,
        "percent": "{:.1%}".format,
        **changes,
    }
    return render("drift.html", **{name: one for name, one in values.items() if one is not None})


def test_a_page_is_one_whole_document():
    page = drift("age")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "2,000 current customers against the 8,000" in page


def test_text_is_escaped():
    page = drift('<script>alert("x")</script>&')
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&amp;" in page


def test_charts_that_are_marked_as_ours_are_not_escaped():
    assert "<svg></svg>" in drift("age", {"age": Markup("<svg></svg>")})
    assert "&lt;svg&gt;" in drift("age", {"age": "<svg></svg>"})


@pytest.mark.parametrize(("template", "name"), [("drift.html", "report"), ("evaluation.html", "m")])
def test_a_name_that_was_not_given_is_an_error(template, name):
    with pytest.raises(UndefinedError, match=f"'{name}' is undefined"):
        render(template)


def test_a_name_that_only_a_condition_asks_for_must_be_given_too():
    with pytest.raises(UndefinedError, match="'has_current' is undefined"):
        drift("age", has_current=None)


def test_an_unknown_template_is_an_error():
    with pytest.raises(TemplateNotFound, match=r"nothing\.html"):
        render("nothing.html")


def test_a_page_needs_no_other_file():
    page = drift("age")
    assert "http://" not in page
    assert "https://" not in page
    assert "src=" not in page


def test_the_same_values_give_the_same_page():
    assert drift("age") == drift("age")
