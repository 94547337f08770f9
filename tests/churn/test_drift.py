"""Drift: the index by hand, its levels, and that chance is not taken for drift."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import drift
from churn.reference import SCORE, UNSEEN, CategoryBins, Reference, reference
from tests.drifting import SETTINGS

quick = settings(deadline=None, max_examples=100)


@st.composite
def two_lists_of_shares(draw):
    """Two lists of shares over the same bins, each summing to 1."""
    bins = draw(st.integers(2, 12))
    some = st.lists(st.integers(0, 50), min_size=bins, max_size=bins).filter(any)
    first, second = np.array(draw(some), dtype=float), np.array(draw(some), dtype=float)
    return first / first.sum(), second / second.sum()


def _customers(rows=400, seed=0, shift=0.0, fiber=0.5):
    rng = np.random.default_rng(seed)
    plan = np.where(rng.random(rows) < fiber, "Fiber", "DSL").astype(object)
    return {"charge": rng.normal(60 + shift, 10, rows), "plan": plan}, rng.random(rows)


def _compare(columns, scores, known=None):
    known = reference(*_customers()) if known is None else known
    return drift.compare(columns, scores, known, SETTINGS)


@quick
@given(two_lists_of_shares())
def test_the_index_is_the_sum_over_the_bins_written_out(shares):
    expected = 0.0
    for before, now in zip(*shares, strict=True):
        a, b = max(before, 0.0001), max(now, 0.0001)
        expected += (b - a) * math.log(b / a)

    assert drift.psi(*shares) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@quick
@given(two_lists_of_shares())
def test_the_index_is_never_negative_and_the_same_both_ways(shares):
    forth, back = drift.psi(*shares), drift.psi(*shares[::-1])

    assert forth >= 0
    assert forth == pytest.approx(back, rel=1e-9, abs=1e-15)


@quick
@given(two_lists_of_shares())
def test_the_index_is_zero_only_where_the_shares_are_equal(shares):
    before, now = shares

    assert drift.psi(before, before) == 0
    if np.abs(np.maximum(before, 0.0001) - np.maximum(now, 0.0001)).max() > 1e-6:
        assert drift.psi(before, now) > 0


def test_a_textbook_case():
    before, now = np.array([0.5, 0.5]), np.array([0.8, 0.2])

    assert drift.psi(before, now) == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4))


def test_an_emptied_bin_gives_a_large_but_finite_index():
    assert 1 < drift.psi(np.array([0.5, 0.5]), np.array([1.0, 0.0])) < 10


def _of_two_words(counts, rows=100_000, **changes):
    """Drift of a column with two words, half and half in the reference."""
    known = Reference(
        rows=rows, bins={"plan": CategoryBins(levels=("a", "b"), ratios=(0.5, 0.5, 0, 0))}
    )
    plan = np.array(["a"] * counts[0] + ["b"] * counts[1], dtype=object)
    bounds = SETTINGS.model_copy(update=changes)
    return drift.compare({"plan": plan}, np.full(len(plan), 0.5), known, bounds).drifts["plan"]


def _level(counts, warning, alarm):
    return _of_two_words(counts, warning=warning, alarm=alarm).level


@pytest.mark.parametrize(
    ("warning", "alarm", "expected"),
    [
        (1.0, 1.0, "ok"),
        (math.nextafter(0, 1), 1.0, "warning"),
        (math.nextafter(0, 1), math.nextafter(0, 1), "alarm"),
    ],
)
def test_the_level_grows_with_the_bounds_that_are_passed(warning, alarm, expected):
    assert _level((6000, 4000), warning, alarm) == expected


def test_a_bound_that_is_exactly_reached_counts():
    index = drift.psi(np.array([0.5, 0.5, 0, 0]), np.array([0.6, 0.4, 0, 0]))
    above = math.nextafter(index, 1)

    assert _level((6000, 4000), above, 1) == "ok"
    assert _level((6000, 4000), index, above) == "warning"
    assert _level((6000, 4000), index, index) == "alarm"


def test_of_few_rows_the_same_shares_are_no_drift():
    """PSI is at the bound; but so few rows may fall like that by chance."""
    few, many = _of_two_words((14, 6), rows=100), _of_two_words((1400, 600), rows=10_000)

    assert few.psi == pytest.approx(many.psi) == pytest.approx(0.169, abs=0.001)
    assert (few.level, many.level) == ("ok", "warning")
    assert few.chance > few.psi > many.chance


def test_a_movement_that_is_real_but_small_is_no_drift():
    found = _of_two_words((52_000, 48_000))

    assert found.p_value < 1e-15
    assert found.psi > found.chance
    assert found.level == "ok"


def test_the_share_of_false_alarms_that_is_allowed_decides():
    counts = (1100, 900)

    def level(share):
        return _of_two_words(counts, warning=0.01, false_alarm=share).level

    assert level(0.001) == "warning"
    assert level(1e-6) == "ok"


def test_two_hundred_rows_without_drift_raise_no_alarm():
    known = reference(*_customers(8000, seed=1))

    found = [_compare(*_customers(200, seed=seed), known) for seed in range(2, 302)]

    assert sum(one.level != "ok" for one in found) <= 3
    assert sum(one.psi >= 0.1 for each in found for one in each.drifts.values()) > 3


def test_two_hundred_rows_that_have_moved_raise_one():
    known = reference(*_customers(8000, seed=1))

    assert _compare(*_customers(200, seed=2, shift=10), known).drifts["charge"].level == "alarm"


def test_the_training_rows_themselves_have_not_moved():
    found = _compare(*_customers())

    assert {one.psi for one in found.drifts.values()} == {0.0}
    assert found.level == "ok"


def test_other_customers_of_the_same_kind_are_no_alarm():
    assert _compare(*_customers(2000, seed=1)).level == "ok"


def test_a_column_that_moved_is_found_and_the_others_are_left_in_peace():
    found = _compare(*_customers(2000, seed=1, shift=15))

    assert {name: one.level for name, one in found.drifts.items()} == {
        "charge": "alarm",
        "plan": "ok",
        SCORE: "ok",
    }
    assert found.level == "alarm"


def test_scores_that_moved_are_found_as_well():
    columns, scores = _customers(2000, seed=1)

    found = _compare(columns, scores**3)

    assert found.drifts[SCORE].level == "alarm"
    assert next(iter(found.drifts)) == SCORE


def test_the_strongest_movement_comes_first():
    found = _compare(*_customers(2000, seed=1, shift=4, fiber=0.9))

    strength = [one.psi for one in found.drifts.values()]
    assert strength == sorted(strength, reverse=True)
    assert next(iter(found.drifts)) == "plan"


def test_a_word_never_seen_in_training_shows_as_drift():
    columns, scores = _customers()
    columns["plan"] = np.full(len(scores), "Carrier pigeon", dtype=object)

    found = _compare(columns, scores).drifts["plan"]

    assert found.level == "alarm"
    assert dict(zip(found.labels, found.current, strict=True))[UNSEEN] == 1


def test_a_column_that_is_no_longer_filled_shows_as_drift():
    columns, scores = _customers()

    found = _compare({**columns, "charge": np.full(len(scores), np.nan)}, scores)

    assert found.drifts["charge"].level == "alarm"


@settings(deadline=None, max_examples=30)
@given(rows=st.integers(1, 60), seed=st.integers(0, 1000))
def test_the_shares_of_every_column_sum_to_one(rows, seed):
    found = _compare(*_customers(rows, seed))

    assert found.rows == rows
    for one in found.drifts.values():
        assert sum(one.current) == pytest.approx(1)
        assert sum(one.reference) == pytest.approx(1)
        assert len(one.labels) == len(one.current) == len(one.reference)


def test_the_summary_holds_plain_data_rounded_to_what_is_meant():
    columns, scores = _customers()
    moved = {**columns, "plan": np.full(len(scores), "DSL", dtype=object)}

    found = _compare(moved, scores)
    summary = found.summary()

    assert (summary["rows"], summary["level"]) == (400, "alarm")
    assert [*summary["drift"]] == [*found.drifts]
    plan, charge = found.drifts["plan"], summary["drift"]["charge"]
    assert summary["drift"]["plan"] == {
        "psi": round(plan.psi, 6),
        "chance": round(plan.chance, 6),
        "p_value": pytest.approx(plan.p_value, rel=0.005),
        "level": "alarm",
    }
    assert charge == {"psi": 0.0, "chance": charge["chance"], "p_value": 1.0, "level": "ok"}
    assert json.loads(json.dumps(summary)) == summary
