"""The chart of the drift page: one distribution, then and now."""

from __future__ import annotations

import numpy as np

from churn.charts import ACCENT, QUIET, chart, svg
from churn.drift import Drift

MOST_BINS = 13


def bars(name: str, drift: Drift, current: str) -> str:
    """Shares of the bins then and now, side by side, as SVG.

    Args:
        name: of the column.
        drift: its distributions.
        current: what the present customers are called.
    """
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
