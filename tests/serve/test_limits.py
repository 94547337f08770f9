"""The rate limit: exactly so many a second in the long run, a burst after a rest."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from serve.limits import BURST_SECONDS, ROUNDING, RateLimit, whole_seconds

rates = st.one_of(st.sampled_from([0.1, 0.5, 1, 1.5, 3, 10, 500]), st.floats(0.05, 2000))
gaps = st.lists(st.one_of(st.just(0.0), st.floats(0, 0.01), st.floats(0, 5)), max_size=200)
starts = st.sampled_from([0.0, 1.0, 1e6])


def _limit(per_second, keys=1):
    return RateLimit(per_second, [0.0] * keys)


def _burst(per_second):
    return max(1.0, BURST_SECONDS * per_second)


@given(per_second=rates, gaps=gaps, start=starts)
def test_no_stretch_of_time_has_more_than_its_share_and_the_burst(per_second, gaps, start):
    limit, now, passed = _limit(per_second), start, []
    for gap in gaps:
        now += gap
        if limit.wait(0, now) == 0:
            passed.append(now)

    for i, first in enumerate(passed):
        for count, last in enumerate(passed[i:], start=1):
            assert count <= _burst(per_second) + (last - first) * per_second + 1e-2


@given(per_second=rates, start=starts)
def test_who_waits_as_told_is_let_through_and_in_the_long_run_exactly_so_often(per_second, start):
    limit, now, passed = _limit(per_second), start, 0
    while (wait := limit.wait(0, now)) == 0:
        passed += 1
    for _ in range(300):
        now += wait
        assert limit.wait(0, now) == 0
        passed += 1
        wait = limit.wait(0, now)

    # From rest: the burst, and from then on one in each interval.
    expected = (now - start) * per_second + _burst(per_second)
    assert expected - 1 - 1e-2 <= passed <= expected + 1e-2


@given(per_second=rates, start=starts)
@example(per_second=78.0, start=1e6)
def test_after_a_rest_the_burst_may_be_sent_at_once(per_second, start):
    limit = _limit(per_second)

    for now in (start, start + 1000):
        waits = [limit.wait(0, now) for _ in range(3000)]
        burst, passed = _burst(per_second), waits.count(0)
        assert math.floor(burst) <= passed <= math.floor(burst * (1 + 2 * ROUNDING))
        assert min(waits[passed:], default=1) > 0


def test_a_refused_request_does_not_count():
    limit = _limit(1)
    assert limit.wait(0, 10.0) == 0

    assert [limit.wait(0, 10.0) for _ in range(5)] == [1.0] * 5
    assert limit.wait(0, 11.0) == 0


def test_keys_do_not_count_for_each_other():
    limit = _limit(1, keys=2)

    assert [limit.wait(key, 5.0) for key in (0, 1)] == [0, 0]
    assert [limit.wait(key, 5.0) for key in (0, 1)] == [1.0, 1.0]


def test_no_limit_lets_everything_through():
    limit = _limit(None)

    assert {limit.wait(0, 1.0) for _ in range(1000)} == {0.0}


@pytest.mark.parametrize(("wait", "told"), [(0.001, 1), (1, 1), (1.001, 2), (20, 20)])
def test_whoever_waits_the_seconds_told_has_waited_long_enough(wait, told):
    assert whole_seconds(wait) == told
