"""How a probability is told: as a risk level, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churn.settings import RecommendationSettings, RiskSettings

RiskLevel = Literal["low", "medium", "high"]
LEVELS: tuple[RiskLevel, ...] = ("low", "medium", "high")


class Risk:
    """The levels of the settings.

    Attributes:
        recommendations: what to do at each level.
    """

    def __init__(self, risk: RiskSettings, recommendation: RecommendationSettings) -> None:
        self._medium, self._high = risk.medium, risk.high
        self.recommendations: Mapping[RiskLevel, str] = {
            "low": recommendation.low,
            "medium": recommendation.medium,
            "high": recommendation.high,
        }

    def level(self, probability: float) -> RiskLevel:
        """Low, medium or high."""
        if probability >= self._high:
            return "high"
        return "medium" if probability >= self._medium else "low"

    def levels(self, probabilities: NDArray[np.float64]) -> NDArray[Any]:
        """The same of many (n,), each as its place in `LEVELS` (n,)."""
        is_medium, is_high = probabilities >= self._medium, probabilities >= self._high
        return np.where(is_high, np.int8(2), is_medium.astype(np.int8))
