"""`reports/drift.html`: how far the customers have changed, for people."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from churn.charts import ACCENT, QUIET, chart, svg
from churn.drift import Comparison, Drift
from churn.page import render
from churn.settings import DriftSettings

SHOWN_BARS = 6
MOST_BINS = 13


def drift_page(
    comparison: Comparison, reference_rows: int, settings: DriftSettings, *, has_current: bool
) -> str:
    """`reports/drift.html`.

    Args:
        comparison: current rows against the reference.
        reference_rows: number of training rows.
        settings: bounds of warning and alarm.
        has_current: False where the test rows stand in for current ones.
    """
    compared = "current" if has_current else "test"
    strongest = list(comparison.drifts.items())[:SHOWN_BARS]
    return render(
        "drift.html",
        comparison=comparison,
        moved=[one for one in comparison.drifts.values() if one.level != "ok"],
        charts={name: Markup(_bars(name, one, compared)) for name, one in strongest},
        reference_rows=reference_rows,
        settings=settings,
        has_current=has_current,
    )


def _bars(name: str, drift: Drift, current: str) -> str:
    """Shares of the bins then and now, side by side."""
    bins = _shown(drift)
    with chart("", "share of customers") as (figure, axes):
        figure.set_size_inches(3.8, 2.8)
        at = np.arange(len(bins))
        labels, then, now = zip(*bins, strict=True)
        axes.bar(at - 0.2, then, 0.4, color=QUIET, label="training")
        axes.bar(at + 0.2, now, 0.4, color=ACCENT, label=current)
        axes.set_xticks(at, labels, rotation=40, ha="right", fontsize=8)
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return svg(figure, f"bars-{name}", f"Distribution of {name}: training against {current}")


def _shown(drift: Drift) -> list[tuple[str, float, float]]:
    """Bins that hold anybody; of many, those that moved most, and the rest as one."""
    bins = zip(drift.labels, drift.reference, drift.current, strict=True)
    filled = [(label, then, now) for label, then, now in bins if then or now]
    if len(filled) <= MOST_BINS:
        return filled
    far = sorted(filled, key=lambda one: -abs(one[2] - one[1]))[: MOST_BINS - 1]
    kept = [one for one in filled if one in far]
    rest = [one for one in filled if one not in far]
    others = ("(others)", sum(one[1] for one in rest), sum(one[2] for one in rest))
    return [*kept, others]
