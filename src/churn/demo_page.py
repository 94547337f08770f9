"""`reports/demo.html`: the story of the demo, for people."""

from __future__ import annotations

from churn.demo_charts import demo_charts
from churn.page import render
from churn.settings import DriftSettings
from churn.story import LAST, Story, accuracy


def demo_page(story: Story, settings: DriftSettings) -> str:
    """`reports/demo.html`.

    Args:
        story: every day.
        settings: the `drift` group.
    """
    served = story.truth(lambda day: accuracy(day, day.served))
    until = story.retrained.day - 1 if story.retrained else len(story.days)
    return render(
        "demo.html",
        story=story,
        customers=sum(len(day.churned) for day in story.days),
        charts=demo_charts(story, settings),
        reasons=sorted(story.first_reasons),
        outcomes_told=any(" is worse by " in reason for _, reason in story.first_reasons),
        before=served[max(0, story.shift - 2)],
        after=served[until - 1],
        new=story.last(lambda day: day.served),
        old=story.last(lambda day: day.first_model),
        settings=settings,
        last=LAST,
        percent=lambda share: f"{share:.1%}",
    )
