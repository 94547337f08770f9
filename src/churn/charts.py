"""Drawing charts of the reports as inline SVG, the same bytes from run to run."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib import rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, ACCENT, QUIET = "#1f2933", "#0b6e99", "#9aa5b1"
# Starting from the defaults: what a user has in a matplotlibrc must not change the reports.
STYLE: dict[Any, Any] = {
    **{name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")},
    "svg.hashsalt": "churn",
    "svg.fonttype": "path",
    "text.parse_math": False,  # a price such as $10 is text
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def chart(x: str, y: str) -> Iterator[tuple[Figure, Axes]]:
    """An empty chart with its two axes named, in the style of the reports."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.8, 3.1), layout="constrained")
        axes = figure.subplots()
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        yield figure, axes


def svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an `<svg>` element.

    Args:
        figure: what is drawn.
        name: makes the ids inside unique on a page.
        description: the alternative text.
    """
    text = io.StringIO()
    # None leaves an entry out: no date, no version in the page.
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context(STYLE):
        figure.savefig(text, format="svg", metadata=metadata)
    element = text.getvalue()[text.getvalue().index("<svg") :]
    element = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", element)
    element = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" ', "", element, count=1)
    return element.replace("<svg ", f'<svg role="img" aria-label="{html.escape(description)}" ', 1)
