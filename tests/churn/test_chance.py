"""Chance: bounds and p-values against scipy's own tests and against draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from churn import chance, drift

quick = settings(deadline=None, max_examples=100)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@st.composite
def two_lists_of_counts(draw):
    """Counts of two samples over the same bins, both of somebody."""
    bins = draw(st.integers(1, 12))
    counts = st.lists(st.integers(0, 3000), min_size=bins, max_size=bins).filter(any)
    return np.array(draw(counts)), np.array(draw(counts))


# PSI by chance


@pytest.mark.parametrize("rows", [200, 2000])
def test_psi_without_drift_is_rarely_above_that_of_chance(rows):
    rng, shares = np.random.default_rng(0), np.full(10, 0.1)
    before = rng.multinomial(8000, shares, 4000)
    now = rng.multinomial(rows, shares, 4000)

    bound = chance.psi_by_chance(before[0], now[0])
    found = [drift.psi(b / 8000, n / rows) for b, n in zip(before, now, strict=True)]

    assert np.mean(np.array(found) > bound) < 0.005
    assert max(found) > bound / 2


def test_fewer_rows_have_more_psi_by_chance():
    few, many = np.array([50, 50]), np.array([500, 500])

    assert chance.psi_by_chance(many, few) > chance.psi_by_chance(many, many) > 0


def test_bins_that_are_empty_in_both_change_nothing():
    before, now = np.array([50, 60, 0]), np.array([40, 80, 0])

    assert chance.psi_by_chance(before, now) == chance.psi_by_chance(before[:2], now[:2])
    assert chance.homogeneity(before, now) == chance.homogeneity(before[:2], now[:2])


def test_of_one_bin_chance_gives_nothing():
    assert chance.psi_by_chance(np.array([70]), np.array([30])) == 0
    assert chance.homogeneity(np.array([70]), np.array([30])) == 1


# the test of homogeneity


def test_with_full_bins_it_is_pearson_s_chi_square():
    before, now = np.array([400, 300, 300]), np.array([90, 60, 50])

    expected = stats.chi2_contingency([before, now], correction=False).pvalue

    assert chance.homogeneity(before, now) == pytest.approx(expected, rel=1e-9)


@quick
@given(two_lists_of_counts())
def test_it_is_a_probability_and_the_order_of_the_bins_does_not_matter(counts):
    before, now = counts
    # Bins of equal size in both samples together may be pooled otherwise.
    order = np.argsort(-(before + now), kind="stable")

    found = chance.homogeneity(before, now)

    assert 0 <= found <= 1
    assert found == pytest.approx(chance.homogeneity(before[order], now[order]), rel=1e-9)


@pytest.mark.parametrize("rows", [30, 200, 20_000])
def test_without_drift_low_p_values_are_as_rare_as_they_say(rows):
    rng, shares = np.random.default_rng(1), np.array([0.5, 0.3, 0.15, 0.04, 0.008, 0.002])

    found = [
        chance.homogeneity(rng.multinomial(8000, shares), rng.multinomial(rows, shares))
        for _ in range(2000)
    ]

    assert np.mean(np.array(found) <= 0.01) <= 0.015


def test_a_handful_of_values_never_seen_before_is_found_among_few_rows():
    before = np.array([4000, 3800, 200, 0])

    assert chance.homogeneity(before, np.array([95, 94, 5, 6])) < 1e-6
    assert chance.homogeneity(before, np.array([98, 97, 5, 0])) > 0.5


def test_levels_that_are_all_rare_are_still_compared():
    before = np.full(50, 160)
    now = np.array([8] * 25 + [0] * 25)

    assert chance.homogeneity(before, now) < 1e-6


# the correction


@quick
@given(p_values)
def test_the_correction_is_that_of_benjamini_and_hochberg(given_p):
    expected = stats.false_discovery_control(given_p, method="bh")

    assert chance.corrected(given_p) == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-300)


def test_a_single_test_needs_no_correction():
    assert chance.corrected([0.03]) == [0.03]
