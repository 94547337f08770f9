"""The charts of the demo's page: all over the same days, with the same marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from churn.charts import ACCENT, INK, QUIET, chart, svg
from churn.metrics import Floats
from churn.settings import DriftSettings
from churn.story import Day, Story, accuracy, best, log_loss

SHOWN = 5
OLD, KNOWN, ALARM = "#c2410c", "#7c3aed", "#d64545"
COLOURS = (ACCENT, OLD, KNOWN, "#2f855a", "#b7791f")
SIZE = (9.2, 3.3)


def demo_charts(story: Story, settings: DriftSettings) -> dict[str, Markup]:
    """Every chart as an `<svg>` element, by name."""
    return {
        "accuracy": Markup(_accuracy(story)),
        "log_loss": Markup(_log_loss(story)),
        "psi": Markup(_psi(story, settings)),
    }


def strongest(story: Story) -> list[str]:
    """The columns that had moved furthest when the first model was last in service."""
    until = story.retrained.day - 1 if story.retrained else len(story.days)
    return [*story.days[until - 1].check.comparison.drifts][:SHOWN]


def _accuracy(story: Story) -> str:
    with chart("day", "accuracy") as (figure, axes):
        figure.set_size_inches(*SIZE)
        _models(
            axes,
            story,
            [
                story.truth(lambda day: accuracy(day, best(day))),
                story.truth(lambda day: accuracy(day, day.served)),
                story.truth(lambda day: accuracy(day, day.first_model)),
            ],
        )
        axes.plot(
            _numbers(story),
            _known(story.days),
            color=KNOWN,
            linewidth=1.3,
            marker=".",
            markersize=4,
            label="as known that day, from outcomes two weeks old",
        )
        axes.yaxis.set_major_formatter("{x:.0%}")
        _mark(axes, story)
    return svg(
        figure, "accuracy", "Accuracy day by day: known at the time, true, and without a new model"
    )


def _log_loss(story: Story) -> str:
    with chart("day", "log loss (less is better)") as (figure, axes):
        figure.set_size_inches(*SIZE)
        _models(
            axes,
            story,
            [
                story.truth(lambda day: log_loss(day, day.probability)),
                story.truth(lambda day: log_loss(day, day.served.scores)),
                story.truth(lambda day: log_loss(day, day.first_model.scores)),
            ],
        )
        _mark(axes, story)
    return svg(figure, "log-loss", "Log loss day by day: true, and without a new model")


def _psi(story: Story, settings: DriftSettings) -> str:
    with chart("day", "PSI, last 7 days") as (figure, axes):
        figure.set_size_inches(*SIZE)
        for name, colour in zip(strongest(story), COLOURS, strict=False):
            drifts = [day.check.comparison.drifts.get(name) for day in story.days]
            values = [one.psi if one else np.nan for one in drifts]
            axes.plot(_numbers(story), values, color=colour, linewidth=1.5, label=name)
        for bound, words in ((settings.warning, "warning"), (settings.alarm, "alarm")):
            axes.axhline(bound, color=QUIET, linewidth=1, linestyle=":")
            axes.annotate(
                words, (1, bound), xycoords=("data", "data"), fontsize=8, color=INK, va="bottom"
            )
        axes.set_ylim(bottom=0)
        _mark(axes, story)
    return svg(figure, "psi", "PSI of the columns that moved most, day by day")


def _numbers(story: Story) -> list[int]:
    return list(range(1, len(story.days) + 1))


def _known(days: Sequence[Day]) -> list[float]:
    found = [day.check.quality for day in days]
    return [one.metrics["accuracy"].value if one else np.nan for one in found]


def _models(axes: Axes, story: Story, values: Sequence[Floats]) -> None:
    """The best possible, the model in service, and the old one once it is replaced."""
    numbers, (possible, served, first) = _numbers(story), values
    axes.plot(
        numbers, possible, color=QUIET, linewidth=1.2, linestyle="--", label="the best possible"
    )
    axes.plot(numbers, served, color=ACCENT, linewidth=2.2, label="in truth, the model in service")
    if story.retrained:
        since = story.retrained.day - 1
        axes.plot(
            numbers[since:],
            first[since:],
            color=OLD,
            linewidth=1.8,
            linestyle="--",
            label="in truth, had the old model gone on",
        )


def _mark(axes: Axes, story: Story) -> None:
    """Lines at what happened, a tick for every evening with an alarm, the legend below."""
    events = [(story.shift, "the world changes")]
    if story.alarm:
        events.append((story.alarm, "alarm"))
    if story.retrained:
        events.append((story.retrained.day, "new model"))
    for day, words in events:
        axes.axvline(day - 0.5, color=INK, linewidth=0.9)
        axes.annotate(
            words,
            (day - 0.5, 1.02),
            xycoords=("data", "axes fraction"),
            fontsize=9,
            ha="right" if words == "the world changes" else "left",
        )
    ticks = story.alarms
    axes.plot(
        ticks,
        [0.015] * len(ticks),
        "|",
        color=ALARM,
        markersize=7,
        markeredgewidth=2,
        transform=axes.get_xaxis_transform(),
        label="evening with an alarm",
    )
    axes.set_xlim(0.5, len(story.days) + 0.5)
    axes.legend(frameon=False, ncols=3, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.17))
