"""Rounds into one figure."""

from __future__ import annotations

from benchmarks.medians import median, ratios


def test_each_figure_is_the_median_of_its_own():
    rounds = [{"a": 1, "b": {"c": 9.0}}, {"a": 3, "b": {"c": 7.0}}, {"a": 2, "b": {"c": 8.0}}]
    assert median(rounds) == {"a": 2, "b": {"c": 8.0}}


def test_what_was_never_answered_is_longer_than_anything():
    assert median([1.0, None, 2.0]) == 2.0
    assert median([None, 1.0, None]) is None


def test_of_two_rounds_the_worse_time_counts():
    assert median([1.0, 2.0]) == 2.0
    assert median([1.0, None]) is None


def test_a_ratio_is_taken_within_its_round():
    # Given a machine that is three times as slow in the second round,
    rates = [(600, 100), (200, 20), (500, 90)]
    rounds = [
        {
            name: {"closed": {"64": {"requests_per_second": rate}}}
            for name, rate in zip(("ours", "other"), pair, strict=True)
        }
        for pair in rates
    ]
    # then the ratio is the middle one of 6, 10 and 5.6, not that of the medians.
    assert ratios(rounds) == {"other": {"64": 6.0}}
