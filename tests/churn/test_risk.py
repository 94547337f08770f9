"""Risk levels of one probability and of many."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn.risk import LEVELS, Risk
from churn.settings import RecommendationSettings, RiskSettings

probability = st.floats(0, 1)


@given(bounds=st.tuples(probability, probability).map(sorted), given_=st.lists(probability))
def test_many_have_the_levels_that_each_has(bounds, given_):
    settings = RiskSettings(medium=bounds[0], high=bounds[1])
    risk = Risk(settings, RecommendationSettings(low="l", medium="m", high="h"))
    probabilities = [*given_, *bounds]

    found = risk.levels(np.array(probabilities))

    assert [LEVELS[i] for i in found] == [risk.level(one) for one in probabilities]
