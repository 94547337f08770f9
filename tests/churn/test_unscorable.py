"""Those of many of whom a feature cannot be computed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import WrongFeature
from churn.unscorable import unscorable


@given(rows=st.integers(1, 60), data=st.data())
def test_all_of_them_are_found_and_no_other(rows, data):
    bad = data.draw(st.sets(st.integers(0, rows - 1)))

    def score(some):
        if bad & {*some.tolist()}:
            raise WrongFeature("ratio", "returned 1 infinite values", len(some))

    found = unscorable(score, np.arange(rows))

    assert {*found} == bad
    assert all(one.problem.startswith("it cannot be scored: ") for one in found.values())
