"""`reports/drift.html`: how far the customers have changed, for people."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from churn.charts import ACCENT, QUIET, chart, svg
from churn.drift import Comparison, Drift
from churn.page import render
from churn.settings import DriftSettings

SHOWN_BARS = 6


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
    strongest = list(comparison.drifts.items())[:SHOWN_BARS]
    return render(
        "drift.html",
        comparison=comparison,
        moved=[one for one in comparison.drifts.values() if one.level != "ok"],
        charts={name: Markup(_bars(name, one)) for name, one in strongest},
        reference_rows=reference_rows,
        settings=settings,
        has_current=has_current,
    )


def _bars(name: str, drift: Drift) -> str:
    """Shares of the bins then and now, side by side."""
    with chart("", "share of customers") as (figure, axes):
        figure.set_size_inches(4.6, 2.8)
        at = np.arange(len(drift.labels))
        axes.bar(at - 0.2, drift.reference, 0.4, color=QUIET, label="training")
        axes.bar(at + 0.2, drift.current, 0.4, color=ACCENT, label="current")
        axes.set_xticks(at, drift.labels, rotation=40, ha="right", fontsize=7)
        axes.legend(frameon=False, fontsize=8, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return svg(figure, f"bars-{name}", f"Distribution of {name}: training against current")
