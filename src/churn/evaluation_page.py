"""`reports/evaluation.html`: how good the model is, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn.bundle import Manifest
from churn.evaluation import Evaluation
from churn.evaluation_charts import MOST_BARS, evaluation_charts
from churn.importance import Importance
from churn.page import render
from churn.slices import GAP, Slice

MEANINGS = {
    "accuracy": "share of all decisions that are right",
    "precision": "share of the flagged customers who churn",
    "recall": "share of the churners who are flagged",
    "f1": "harmonic mean of precision and recall",
    "roc_auc": "chance that a churner ranks above another customer",
    "pr_auc": "average precision over all thresholds",
    "log_loss": "how far the probabilities are from the outcomes, in nats; less is better",
    "brier": "mean squared error of the probabilities; less is better",
    "calibration_error": "mean gap between predicted and observed shares; less is better",
    "top_decile_lift": "churners among the tenth at highest risk, against the average",
}
DIRECTIONS = {
    "+": "the higher, the likelier to leave",
    "-": "the higher, the likelier to stay",
}
# What is said of a slice by metric, where it is below what its scores lead to expect, and where
# above; whether that is well, or a warning.
DIFFERENCES = {
    "roc_auc": (("ranked worse than expected", "warning"), ("ranked better than expected", "ok")),
    "recall": (("fewer found than expected", "warning"), ("more found than expected", "ok")),
    GAP: (("risk underestimated", "warning"), ("risk overestimated", "warning")),
}


@dataclass(frozen=True)
class Pipeline:
    """What the earlier stages reported: content of reports/{rows,validation,training}.json."""

    rows: Mapping[str, Any]
    validation: Mapping[str, Any]
    training: Mapping[str, Any]


def evaluation_page(evaluation: Evaluation, manifest: Manifest, pipeline: Pipeline) -> str:
    """`reports/evaluation.html`.

    Args:
        evaluation: everything measured.
        manifest: of the bundle.
        pipeline: reports of the earlier stages.
    """
    strongest = evaluation.importances.inputs[:MOST_BARS]
    return render(
        "evaluation.html",
        m={"ceiling": None, **evaluation.metrics},
        metrics=_metrics(evaluation),
        evaluation=evaluation,
        campaign=evaluation.campaign,
        cells=evaluation.confusion,
        charts=evaluation_charts(evaluation),
        reasons=[(one.input, direction(one)) for one in strongest],
        slices=explained_slices(evaluation),
        after_event=[n for n, one in manifest.contract.columns.items() if one.after_event],
        pipeline=pipeline,
        manifest=manifest,
        percent=lambda share: f"{share:.0%}",
        money=lambda amount: f"{amount:z,.0f} {evaluation.campaign.money.currency}",
    )


def _metrics(evaluation: Evaluation) -> list[dict[str, Any]]:
    ceiling = evaluation.metrics.get("ceiling", {})
    return [
        {
            "name": name,
            "value": evaluation.metrics[name],
            "bounds": evaluation.intervals[name],
            "ceiling": ceiling.get(name),
            "meaning": meaning,
        }
        for name, meaning in MEANINGS.items()
    ]


def direction(one: Importance) -> str:
    """Which way an input pushes, in words; none where no tree asks for it."""
    if not one.strength:
        return ""
    if one.direction in DIRECTIONS:
        return DIRECTIONS[one.direction]
    ends = {"leave": one.towards, "stay": one.away}
    return "; ".join(f"{level.level}: likelier to {end}" for end, level in ends.items() if level)


def explained_slices(
    evaluation: Evaluation,
) -> dict[str, list[tuple[Slice, list[tuple[str, str]]]]]:
    """By column, each slice with what its scores do not explain, in words."""
    found: dict[str, list[tuple[Slice, list[tuple[str, str]]]]] = {}
    for one in evaluation.sliced.slices:
        marks = [
            DIFFERENCES[name][difference.excess > 0]
            for name, difference in one.differences.items()
            if difference.unexplained
        ]
        found.setdefault(one.column, []).append((one, marks))
    return found
