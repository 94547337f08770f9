"""The comment on a pull request: the most important first, no foreign markup, never too long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from churn.champion import Change as Difference
from churn.champion import Comparison, GuardedSlice
from churn.differences import Data
from churn.pull_request import CUT, MARK, MOST, Change, comment

FOUND = Comparison(
    n=1984,
    churners=527,
    metric="log_loss",
    changes={"log_loss": Difference(0.45, 0.44, -0.01, -0.015, -0.005)},
    slices=(
        GuardedSlice("plan", "a|b <i>", 90, 0.4, 0.5, loss=True),
        GuardedSlice("plan", "other", 90, 0.4, 0.3, loss=False),
    ),
    verdict="better",
    more_customers=None,
    promote=False,
    reasons=("it loses where plan is a|b <i>",),
)
CHANGE = Change(
    base="main (0123456789ab)",
    comparison=FOUND,
    alarms=["leak: fee alone tells everything"],
    parameters={"model.max_depth": (3, 2), "model.new": (None, 1)},
    data={"data/raw/history.parquet": (Data("a" * 32, 100), Data("b" * 32, 110))},
    experiments="| Experiment |\n|---|\n| one |",
    report="https://example.invalid/report",
)


def test_what_matters_most_comes_first():
    text = comment(CHANGE)

    parts = [
        MARK,
        "## B is better on log_loss by 0.0100 (0.0050 – 0.0150), and that is sure.",
        "on 1984 customers held out from both models, 527 of them churners.",
        "[Report](https://example.invalid/report)",
        "Verdict: **better**. In A's place B may not be promoted:",
        "- leak: fee alone tells everything",
        "| plan: a\\|b &lt;i> | 90 | 0.4000 | 0.5000 |",
        "| `log_loss` | 0.4500 | 0.4400 | -0.0100 | -0.0150 – -0.0050 |",
        "| `model.max_depth` | 3 | 2 |\n| `model.new` | - | 1 |",
        "| `data/raw/history.parquet` | 100 rows (aaaaaaaa) | 110 rows (bbbbbbbb) |",
        "<details><summary>Experiments</summary>\n\n| Experiment |",
    ]
    places = [text.index(one) for one in parts]
    assert places == sorted(places)
    assert "plan: other" not in text


def test_nothing_to_say_leaves_nothing():
    data = {"data/raw/history.parquet": (Data("a" * 32, 100), Data("a" * 32, 100))}
    same = replace(
        CHANGE,
        comparison="A and B are the same model.",
        alarms=[],
        parameters={},
        data=data,
        experiments="",
        report="",
    )

    assert comment(same) == (
        f"{MARK}\n\n## A and B are the same model.\n\nA is `main (0123456789ab)`, B this change.\n"
    )


@pytest.mark.parametrize("what", ["parameters", "alarms"])
def test_it_is_never_longer_than_a_comment_may_be(what: str):
    many = {
        "parameters": {f"model.parameter_{i}": (i, "x" * 50) for i in range(1000)},
        "alarms": [f"leak: {i} {'x' * 50}" for i in range(2000)],
    }

    text = comment(replace(CHANGE, **{what: many[what]}))

    assert len(text) <= MOST
    assert text.endswith(CUT)
    assert text.startswith(f"{MARK}\n\n## B is better on log_loss")
    assert "<summary>Experiments" not in text
