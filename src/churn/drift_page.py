"""`reports/drift.html`: how far the customers have changed, and what to do, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from churn.contract import SCORE
from churn.drift import Drift
from churn.drift_charts import bars
from churn.drift_report import DriftReport
from churn.page import render
from churn.quality import METRICS
from churn.retraining import decide
from churn.settings import DriftSettings

SHOWN_BARS = 6
LABELS = {"accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1"}
LABELS |= {"roc_auc": "ROC-AUC", "calibration_error": "calibration error"}
CHECK = (
    "First make sure that it is the customers who changed, and not the data: a unit that was mixed"
    " up, a source that no longer fills a column, or a word in a new spelling moves a distribution"
    " as well. If the data are right, put recent customers with their outcomes into the history"
    " and rebuild the model: make repro."
)
BLIND = (
    "Collect the outcomes of these customers as they become known. Until then quality is an"
    " estimate, which cannot see customers who behave otherwise than they did."
)


def drift_page(
    report: DriftReport,
    threshold: float,
    reference_rows: int,
    settings: DriftSettings,
    *,
    has_current: bool,
) -> str:
    """`reports/drift.html`.

    Args:
        report: what the stage found out.
        threshold: decision threshold of the bundle.
        reference_rows: number of training rows.
        settings: the `drift` group.
        has_current: False where the test rows stand in for current ones.
    """
    drifts, compared = report.comparison.drifts, "current" if has_current else "test"
    strongest = [name for name in drifts if name != SCORE][:SHOWN_BARS]
    return render(
        "drift.html",
        report=report,
        level=report.comparison.level,
        moved=[name for name, one in drifts.items() if one.level != "ok"],
        columns=[_row(name, one, settings) for name, one in drifts.items()],
        quality=[_quality(name, report, settings) for name in METRICS],
        todo=list(_todo(report, settings, has_current=has_current)),
        charts={name: Markup(bars(name, drifts[name], compared)) for name in [SCORE, *strongest]},
        score=SCORE,
        strongest=strongest,
        threshold=threshold,
        reference_rows=reference_rows,
        settings=settings,
        has_current=has_current,
        percent=lambda share: f"{share:.1%}",
    )


def _row(name: str, drift: Drift, settings: DriftSettings) -> dict[str, Any]:
    """One column of the table: numbers as text, and the bin that changed most."""
    bins = zip(drift.labels, drift.reference, drift.current, strict=True)
    # Of two bins that changed places, the one that grew.
    label, then, now = max(bins, key=lambda one: (round(abs(one[2] - one[1]), 9), one[2] - one[1]))
    return {
        "name": name,
        "psi": f"{drift.psi:.4f}",
        "chance": f"{drift.chance:.4f}",
        "p": "< 0.001" if drift.p_value < 0.0005 else f"{drift.p_value:.3f}",
        "level": drift.level,
        "by_chance": drift.level == "ok" and drift.psi >= settings.warning,
        "bin": label,
        "shares": f"{then:.1%} → {now:.1%}",
    }


def _quality(name: str, report: DriftReport, settings: DriftSettings) -> dict[str, Any]:
    """One metric: before, to be expected, measured, and what to think of it."""
    measured = report.quality and report.quality.metrics[name]
    return {
        "label": LABELS[name],
        "baseline": report.baseline[name],
        "estimate": (report.estimated.metrics or {}).get(name),
        "measured": measured,
        "fallen": bool(measured and measured.fallen),
        "by_chance": bool(measured and measured.fall > settings.max_fall),
        "expected_to_fall": name in _expected_to_fall(report, settings),
    }


def _expected_to_fall(report: DriftReport, settings: DriftSettings) -> list[str]:
    """Metrics whose estimate is below the baseline by more than is allowed, and than chance."""
    return [
        name
        for name, one in (report.estimated.metrics or {}).items()
        if report.baseline[name] > max(one.value + settings.max_fall, one.high)
    ]


def _todo(
    report: DriftReport, settings: DriftSettings, *, has_current: bool
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What follows from it all, the most urgent first; each advice with its reasons."""
    decision = decide(report.comparison, report.quality, 0, asked=False, settings=settings)
    watched = [name for name, one in report.comparison.drifts.items() if one.level == "warning"]
    falling = [LABELS[name] for name in _expected_to_fall(report, settings)]
    if decision.retrain:
        yield "Train again:", decision.reasons
        yield CHECK, ()
    if watched:
        yield f"Watch {', '.join(watched)}: moved, but not so far as to train again for it.", ()
    if falling and not report.quality:
        yield f"Expect {', '.join(falling)} to be lower: see the estimate below.", ()
    if not (decision.retrain or watched or falling):
        yield "Nothing needs to be done now. Compare again when new customers have come.", ()
    if has_current and not report.quality:
        yield BLIND, ()
