"""Reference bins: every training row is in one bin, missing and unseen values in their own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.reference import (
    MISSING,
    SCORE,
    UNSEEN,
    CategoryBins,
    NumberBins,
    Reference,
    reference,
)

quick = settings(deadline=None, max_examples=100)
number_lists = st.lists(
    st.one_of(st.integers(0, 4).map(float), st.floats(-1e9, 1e9), st.just(np.nan)),
    min_size=1,
    max_size=60,
)
word_lists = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=40)


def _words(*values):
    return np.array(values, dtype=object)


def _bins_of(values):
    return reference({"x": values}, np.full(len(values), 0.5)).bins["x"]


def _by_label(bins, values):
    """Counts of the bins that are not empty."""
    counted = zip(bins.labels, bins.count(values).tolist(), strict=True)
    return {label: count for label, count in counted if count}


@quick
@given(number_lists, number_lists)
def test_every_number_is_counted_in_exactly_one_bin(training, current):
    bins = _bins_of(np.array(training))

    counts = bins.count(np.array(current))

    assert counts.sum() == len(current)
    assert len(counts) == len(bins.labels) == len(bins.ratios)
    assert counts[-1] == np.isnan(current).sum()


@quick
@given(word_lists, st.lists(st.sampled_from(["a", "b", "z", None]), min_size=1))
def test_every_category_is_counted_in_exactly_one_bin(training, current):
    bins = _bins_of(_words(*training))

    counts = bins.count(_words(*current))

    assert counts.sum() == len(current)
    assert len(counts) == len(bins.labels) == len(bins.ratios)


@quick
@given(st.one_of(number_lists.map(np.array), word_lists.map(lambda words: _words(*words))))
def test_the_ratios_are_the_counts_of_the_training_rows_and_sum_to_one(values):
    bins = _bins_of(values)

    assert sum(bins.ratios) == pytest.approx(1)
    np.testing.assert_allclose(bins.ratios, bins.count(values) / len(values))


@quick
@given(number_lists)
def test_the_order_of_the_rows_does_not_change_the_bins(values):
    assert _bins_of(np.array(values[::-1])) == _bins_of(np.array(values))


def test_distinct_numbers_fall_into_ten_bins_of_a_tenth_each():
    bins = _bins_of(np.random.default_rng(0).permutation(1000.0 + np.arange(1000)))

    *tenths, missing = bins.ratios
    assert missing == 0
    assert len(tenths) == 10
    assert tenths == pytest.approx([0.1] * 10, abs=0.002)


def test_a_bin_holds_its_upper_edge_and_not_its_lower_one():
    bins = NumberBins(edges=(1.0, 2.0), ratios=())

    assert bins.labels == ("up to 1", "over 1 to 2", "over 2", MISSING)
    assert bins.count(np.array([1.0, 1.5, 2.0, 2.1, np.nan])).tolist() == [1, 2, 1, 1]


def test_numbers_far_outside_the_training_rows_fall_into_the_outer_bins():
    bins = _bins_of(np.arange(100.0))

    counts = bins.count(np.array([-np.inf, -1e300, 1e300, np.inf]))

    assert (counts[0], counts[-2], counts[-1]) == (2, 2, 0)


def test_a_count_with_few_values_has_a_bin_for_each():
    bins = _bins_of(np.array([0.0] * 40 + [1.0] * 40 + [2.0] * 20))

    assert bins.edges == (0, 1, 2)
    assert bins.ratios == (0.4, 0.4, 0.2, 0, 0)


def test_missing_and_unseen_categories_have_bins_of_their_own():
    bins = _bins_of(_words("b", "a", "b", "a"))

    found = _by_label(bins, _words("a", None, None, "Carrier pigeon"))

    assert bins.labels == ("a", "b", MISSING, UNSEEN)
    assert found == {"a": 1, MISSING: 2, UNSEEN: 1}


def test_missing_values_of_the_training_rows_are_part_of_the_reference():
    assert _bins_of(_words("a", None)).ratios == (0.5, 0.5, 0)
    assert _bins_of(np.array([1.0, np.nan])).ratios == (0.5, 0, 0.5)


@pytest.mark.parametrize("empty", [np.full(3, np.nan), _words(None, None, None)])
def test_a_column_that_was_never_filled_is_all_missing(empty):
    bins = _bins_of(empty)

    assert _by_label(bins, empty) == {MISSING: 3}
    assert dict(zip(bins.labels, bins.ratios, strict=True))[MISSING] == 1


def test_a_column_that_was_never_filled_still_counts_numbers_that_come_later():
    bins = _bins_of(np.full(3, np.nan))

    assert bins.count(np.array([5.0, np.nan])).tolist() == [1, 1]


def test_the_score_stands_beside_the_columns():
    found = reference({"x": np.arange(4.0), "y": _words("a", "b", "a", "b")}, np.linspace(0, 1, 4))

    assert [*found.bins] == ["x", "y", SCORE]
    assert found.rows == 4
    assert isinstance(found.bins["y"], CategoryBins)


@quick
@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30), word_lists)
def test_after_a_way_through_json_the_bins_are_the_same(numbers, words):
    rows = min(len(numbers), len(words))
    columns = {"x": np.array(numbers[:rows]), "y": _words(*words[:rows])}
    built = reference(columns, np.linspace(0, 1, rows))

    assert Reference.model_validate_json(built.model_dump_json()) == built
