"""`reports/evaluation.html`: how good the model is, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from churn.bundle import Manifest
from churn.charts import ACCENT, INK, QUIET, chart, svg
from churn.evaluation import Evaluation
from churn.page import render

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


def evaluation_page(
    evaluation: Evaluation,
    manifest: Manifest,
    rows: Mapping[str, Any],
) -> str:
    """`reports/evaluation.html`.

    Args:
        evaluation: metrics and details.
        manifest: of the bundle.
        rows: content of `reports/rows.json`.
    """
    found, details = evaluation.metrics, evaluation.details
    ceiling = found.get("ceiling", {})
    table = [
        {
            "name": name,
            "value": found[name],
            "low": details["intervals"][name][0],
            "high": details["intervals"][name][1],
            "ceiling": ceiling.get(name),
            "meaning": meaning,
        }
        for name, meaning in MEANINGS.items()
    ]
    return render(
        "evaluation.html",
        m={"ceiling": None, **found},
        rows=table,
        cells=details["confusion"],
        threshold=details["threshold"],
        charts=_charts(evaluation),
        data=rows,
        manifest=manifest,
        percent=lambda share: f"{share:.0%}",
    )


def _charts(evaluation: Evaluation) -> dict[str, Markup]:
    drawn = {
        "roc": _roc(evaluation),
        "precision_recall": _precision_recall(evaluation),
        "calibration": _calibration(evaluation),
    }
    return {name: Markup(element) for name, element in drawn.items()}


def _roc(evaluation: Evaluation) -> str:
    curve, auc = evaluation.curves["roc"], evaluation.metrics["roc_auc"]
    with chart("share of other customers flagged", "share of churners found") as (figure, axes):
        axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1)
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], color=ACCENT)
    return svg(figure, "roc", f"ROC curve, area {auc:.3f}; the dashed line is chance")


def _precision_recall(evaluation: Evaluation) -> str:
    curve, found = evaluation.curves["precision_recall"], evaluation.metrics
    with chart("share of churners found (recall)", "share of flagged who churn (precision)") as (
        figure,
        axes,
    ):
        base = found["churners"] / found["n"]
        axes.axhline(base, color=QUIET, linestyle="--", linewidth=1)
        axes.plot(curve["recall"], curve["precision"], color=ACCENT)
        axes.plot(found["recall"], found["precision"], "o", color=INK)
        axes.set_ylim(0, 1.02)
    area = found["pr_auc"]
    return svg(
        figure, "pr", f"Precision-recall curve, area {area:.3f}; the dot is the chosen threshold"
    )


def _calibration(evaluation: Evaluation) -> str:
    curve = evaluation.curves["calibration"]
    with chart("predicted probability of churn", "share that churned") as (figure, axes):
        axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1)
        sizes = 12 + 150 * curve["n"] / curve["n"].max()
        axes.plot(curve["predicted"], curve["observed"], color=ACCENT)
        axes.scatter(curve["predicted"], curve["observed"], s=sizes, color=ACCENT)
    error = evaluation.metrics["calibration_error"]
    return svg(
        figure,
        "calibration",
        f"Reliability curve, calibration error {error:.3f}; a perfect model is on the dashed line",
    )
