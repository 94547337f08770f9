"""The planted shifts: each changes its column by as much as it says, and nothing else."""

import numpy as np
import pytest

from benchmarks.shifts import shifts

ALL = list(shifts())


def _columns(rows=20_000):
    rng = np.random.default_rng(0)
    contract = rng.choice(np.array(["Month-to-month", "One year"], dtype=object), rows)
    return {
        "monthly_charges": rng.uniform(20, 110, rows),
        "contract": contract,
        "data_usage_gb": rng.uniform(0, 300, rows),
        "call_minutes": rng.uniform(100, 500, rows),
        "age": rng.uniform(18, 90, rows),
    }


def _of(kind):
    return [one for one in ALL if one.kind.startswith(kind)]


@pytest.mark.parametrize("shift", ALL, ids=lambda one: one.name)
def test_a_shift_changes_its_column_and_leaves_the_rest(shift):
    before = _columns()

    after = shift.plant(before, 1)

    changed = [name for name in before if after[name] is not before[name]]
    assert changed == [shift.column]
    assert not np.array_equal(after[shift.column], before[shift.column])
    assert np.array_equal(_columns()[shift.column], before[shift.column])


@pytest.mark.parametrize("shift", ALL, ids=lambda one: one.name)
def test_the_same_seed_plants_the_same(shift):
    once, again = (shift.plant(_columns(), 1)[shift.column] for _ in range(2))

    # Compared as text, since NaN is not itself.
    assert [*map(str, once)] == [*map(str, again)]


@pytest.mark.parametrize("shift", _of("mean"), ids=lambda one: one.name)
def test_the_mean_moves_by_so_many_deviations(shift):
    before = _columns()["monthly_charges"]

    after = shift.plant(_columns(), 1)["monthly_charges"]

    assert (after.mean() - before.mean()) / before.std() == pytest.approx(shift.strength)


@pytest.mark.parametrize("shift", _of("spread"), ids=lambda one: one.name)
def test_the_spread_grows_by_the_factor_about_the_same_mean(shift):
    before = _columns()["monthly_charges"]

    after = shift.plant(_columns(), 1)["monthly_charges"]

    assert after.std() / before.std() == pytest.approx(shift.strength, rel=0.01)
    assert after.mean() == pytest.approx(before.mean(), rel=0.01)
    assert after.min() > 0


@pytest.mark.parametrize("shift", _of("one category"), ids=lambda one: one.name)
def test_a_share_of_the_others_becomes_the_one_category(shift):
    after = shift.plant(_columns(), 1)["contract"]

    others = 0.5 * (1 - shift.strength)
    assert np.mean(after != "Month-to-month") == pytest.approx(others, abs=0.02)


@pytest.mark.parametrize("shift", _of("missing"), ids=lambda one: one.name)
def test_a_share_goes_missing(shift):
    after = shift.plant(_columns(), 1)["data_usage_gb"]

    assert np.isnan(after).mean() == pytest.approx(shift.strength, abs=0.01)


@pytest.mark.parametrize("shift", _of("hours"), ids=lambda one: one.name)
def test_a_share_is_given_in_another_unit(shift):
    after = shift.plant(_columns(), 1)["call_minutes"]

    assert np.mean(after < 10) == pytest.approx(shift.strength, abs=0.02)
