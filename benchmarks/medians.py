"""Figures of several rounds into one: medians, and ratios between servers of the same round."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any


def median(rounds: Sequence[Any]) -> Any:
    """Of equally built dictionaries of figures, the median of each; None counts as infinite.

    Of an even number the higher of the two in the middle.
    """
    if isinstance(rounds[0], dict):
        return {name: median([one[name] for one in rounds]) for name in rounds[0]}
    middle = statistics.median_high(math.inf if one is None else one for one in rounds)
    return None if middle == math.inf else middle


def ratios(rounds: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """How many times a server's requests a second the first one answers.

    Args:
        rounds: figures by server.
    Returns:
        by other server and number of connections, the median of the rounds' own ratios.
    """
    first, *others = rounds[0]
    each = [
        {
            other: {n: _rate(one, first, n) / _rate(one, other, n) for n in one[first]["closed"]}
            for other in others
        }
        for one in rounds
    ]
    return median(each)


def _rate(figures: dict[str, Any], server: str, connections: str) -> float:
    return figures[server]["closed"][connections]["requests_per_second"]
