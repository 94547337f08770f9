"""The charts of `reports/evaluation.html`."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from churn.charts import ACCENT, INK, QUIET, chart, svg
from churn.evaluation import Evaluation

MOST_BARS = 12


def evaluation_charts(evaluation: Evaluation) -> dict[str, Markup]:
    """Every chart as an `<svg>` element, by name."""
    draw = {
        "profit": _profit,
        "importance": _importance,
        "lift": _lift,
        "roc": _roc,
        "precision_recall": _precision_recall,
        "calibration": _calibration,
    }
    return {name: Markup(drawn(evaluation)) for name, drawn in draw.items()}


def _profit(evaluation: Evaluation) -> str:
    found = evaluation.campaign
    with chart("share of customers contacted", f"profit, {found.money.currency}") as (
        figure,
        axes,
    ):
        axes.axhline(0, color=QUIET, linewidth=1)
        axes.plot(found.curve["share_contacted"], found.curve["profit_per_10000"], color=ACCENT)
        axes.plot(found.share_contacted, found.profit, "o", color=INK)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_major_formatter(_percent)
    dot = "to contact nobody, since an offer never pays"
    if found.break_even <= 1:
        earned = f"{found.profit:z,.0f} {found.money.currency}"
        dot = f"the break-even point, {found.share_contacted:.0%} contacted, {earned}"
    words = "Profit of contacting the riskiest customers first, for 10,000 customers; the dot is "
    return svg(figure, "profit", words + dot)


def _importance(evaluation: Evaluation) -> str:
    strongest = evaluation.importances.inputs[:MOST_BARS]
    with chart("mean |SHAP|, log-odds", "") as (figure, axes):
        figure.set_size_inches(5.4, 0.5 + 0.26 * len(strongest))
        at = np.arange(len(strongest))
        axes.barh(at, [one.strength for one in strongest], color=ACCENT, height=0.7)
        axes.set_yticks(at, [one.input for one in strongest], fontsize=9)
        axes.invert_yaxis()
    names = ", ".join(one.input for one in strongest[:3] if one.strength) or "nothing does"
    return svg(figure, "importance", f"What moves the prediction most: {names}")


def _lift(evaluation: Evaluation) -> str:
    curve = evaluation.curves["lift"]
    with chart("share of customers, riskiest first", "share of churners reached") as (
        figure,
        axes,
    ):
        axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1)
        axes.plot(curve["share_of_customers"], curve["share_of_churners"], color=ACCENT)
        axes.xaxis.set_major_formatter(_percent)
        axes.yaxis.set_major_formatter(_percent)
    lift = evaluation.metrics["top_decile_lift"]
    return svg(
        figure,
        "lift",
        f"Churners reached against customers contacted; in the first tenth there are {lift:.1f} "
        "times as many as by chance, the dashed line",
    )


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
    after, before = evaluation.curves["calibration"], evaluation.curves["uncalibrated"]
    error, is_calibrated = evaluation.calibration_error, evaluation.calibration != "none"
    with chart("predicted probability of churn", "share that churned") as (figure, axes):
        axes.plot([0, 1], [0, 1], color=QUIET, linestyle="--", linewidth=1)
        if is_calibrated:
            axes.plot(before["predicted"], before["observed"], color=QUIET, label="trees alone")
        sizes = 12 + 150 * after["n"] / after["n"].max()
        axes.plot(after["predicted"], after["observed"], color=ACCENT, label="calibrated")
        axes.scatter(after["predicted"], after["observed"], s=sizes, color=ACCENT)
        if is_calibrated:
            axes.legend(frameon=False, loc="upper left")
    measured = f"{error['after']:.3f}"
    if is_calibrated:
        measured = f"{error['before']:.3f} before and {measured} after calibration"
    words = (
        f"Reliability curve, calibration error {measured}; a perfect model is on the dashed line"
    )
    return svg(figure, "calibration", words)


def _percent(share: float, _: object) -> str:
    return f"{share:.0%}"
