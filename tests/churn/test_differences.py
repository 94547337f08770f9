"""How two models differ, in words: which is better, and whether that is sure."""

import pytest

from churn.champion import Change, Comparison
from churn.differences import Data, better, data, parameters


def _found(metric: str, difference: float, low: float, high: float) -> Comparison:
    return Comparison(
        n=400,
        churners=90,
        metric=metric,
        changes={metric: Change(0.5, 0.5 + difference, difference, low, high)},
        slices=(),
        verdict="better",
        more_customers=None,
        promote=False,
        reasons=(),
    )


@pytest.mark.parametrize(
    ("metric", "interval", "words"),
    [
        # less is better
        (
            "log_loss",
            (-0.05, -0.08, -0.02),
            "B is better on log_loss by 0.0500 (0.0200 – 0.0800), and that is sure.",
        ),
        (
            "log_loss",
            (0.05, 0.02, 0.08),
            "A is better on log_loss by 0.0500 (0.0200 – 0.0800), and that is sure.",
        ),
        (
            "log_loss",
            (-0.05, -0.08, 0.01),
            "B is better on log_loss by 0.0500 (-0.0100 – 0.0800), but that may be chance.",
        ),
        # more is better
        (
            "roc_auc",
            (0.05, 0.02, 0.08),
            "B is better on roc_auc by 0.0500 (0.0200 – 0.0800), and that is sure.",
        ),
        (
            "roc_auc",
            (-0.05, -0.08, 0.01),
            "A is better on roc_auc by 0.0500 (-0.0100 – 0.0800), but that may be chance.",
        ),
        (
            "f1",
            (0.0, -0.01, 0.02),
            "A and B are equally good on f1, but that may be chance.",
        ),
        ("f1", (0.0, 0.0, 0.0), "A and B are equally good on f1: they say the same."),
    ],
)
def test_one_sentence_says_which_is_better_and_whether_that_is_sure(metric, interval, words):
    assert better(_found(metric, *interval)) == words


def test_parameters_that_differ_stand_side_by_side():
    lines = parameters({"model.max_depth": (3, 4), "search.trials": (None, 20)})

    assert lines == [
        "Parameters        A   B",
        "model.max_depth   3   4",
        "search.trials     -   20",
    ]
    assert parameters({}) == ["Parameters: the same."]


def test_data_is_told_by_its_rows_and_its_hash():
    old, new = Data("0123456789", 200), Data("abcdefghij", 300)

    assert data({"history": (old, new), "current": (old, old)}) == [
        "Data      A                     B",
        "history   200 rows (01234567)   300 rows (abcdefgh)",
        "current   200 rows (01234567)   the same",
    ]
