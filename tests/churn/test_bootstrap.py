"""The bootstrap: intervals, paired differences, and what is called significant."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import bootstrap, metrics
from churn.bootstrap import Sample

quick = settings(deadline=None, max_examples=50)


def _random_rows(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(rows), 2)
    return (rng.random(rows) < scores).astype(float), scores


def _intervals(labels, scores, resamples=200, seed=0):
    drawn = bootstrap.resampled([Sample(labels, scores, 0.5)], len(labels), resamples, seed)[0]
    return {name: bootstrap.interval(values) for name, values in drawn.items()}


# intervals


def test_the_same_seed_gives_the_same_intervals():
    rows = _random_rows()

    assert _intervals(*rows, seed=4) == _intervals(*rows, seed=4)
    assert _intervals(*rows, seed=4) != _intervals(*rows, seed=5)


def test_an_interval_lies_around_its_estimate():
    rows = _random_rows(600)

    spread = _intervals(*rows, resamples=500)

    estimate = metrics.measured(*rows, 0.5)
    assert {*spread} == {*estimate} - {"n", "churners"}
    for name in {*spread} - {"calibration_error"}:  # whose resamples are biased upwards
        low, high = spread[name]
        assert low <= estimate[name] <= high, name
        assert low < high


def test_four_times_the_rows_halve_an_interval():
    small, large = (_intervals(*_random_rows(rows), 400)["roc_auc"] for rows in (500, 2000))

    assert 0.3 < (large[1] - large[0]) / (small[1] - small[0]) < 0.8


def test_a_resample_is_rows_drawn_with_replacement():
    labels, scores = _random_rows(300)
    rng = np.random.default_rng(7)
    picks = [rng.integers(300, size=300) for _ in range(101)]

    drawn = bootstrap.resampled([Sample(labels, scores, 0.5)], 300, 101, seed=7)[0]

    for number in (0, 50, 100):
        by_hand = metrics.measured(labels[picks[number]], scores[picks[number]], 0.5)
        found = {name: values[number] for name, values in drawn.items()}
        assert found == pytest.approx({name: by_hand[name] for name in found}, rel=1e-9)


def test_the_resamples_do_not_depend_on_how_they_are_portioned(monkeypatch):
    labels, scores = _random_rows(300)
    samples = [Sample(labels, scores, 0.5), Sample(labels, scores, 0.5, np.arange(0, 300, 3))]
    whole = bootstrap.resampled(samples, 300, 50, seed=7)

    monkeypatch.setattr(bootstrap, "PORTION", 2100)  # seven resamples at a time, one in the last
    portioned = bootstrap.resampled(samples, 300, 50, seed=7)

    for one, other in zip(whole, portioned, strict=True):
        assert {n: v.tolist() for n, v in one.items()} == {n: v.tolist() for n, v in other.items()}


def test_resamples_without_a_churner_are_left_out():
    labels, scores = np.array([1.0] + [0.0] * 4), np.array([0.5, 0.4, 0.3, 0.2, 0.1])

    spread = _intervals(labels, scores)

    assert all(math.isfinite(bound) for bounds in spread.values() for bound in bounds)


# samples


def test_a_sample_of_some_rows_is_measured_on_these():
    labels, scores = _random_rows(300)
    rows = np.flatnonzero(np.random.default_rng(1).random(300) < 0.3)

    found = Sample(labels, scores, 0.4, rows).measure()

    alone = metrics.measured(labels[rows], scores[rows], 0.4)
    assert {n: v.tolist() for n, v in found.items()} == {n: [alone[n]] for n in found}


def test_a_sample_of_some_rows_sees_how_often_these_were_drawn():
    labels, scores = _random_rows(60)
    weights = np.random.default_rng(1).integers(0, 3, (4, 60)).astype(float)
    rows = np.arange(10, 60)

    found = Sample(labels, scores, 0.4, rows).measure(weights)

    alone = Sample(labels[rows], scores[rows], 0.4).measure(weights[:, rows])
    assert {n: v.tolist() for n, v in found.items()} == {n: v.tolist() for n, v in alone.items()}


def test_the_mean_of_any_value_of_the_rows_is_measured_beside_the_metrics():
    labels, scores = _random_rows(60)
    weights = np.random.default_rng(1).integers(0, 3, (4, 60)).astype(float)
    rows, worth = np.arange(10, 60), np.arange(60.0)

    found = Sample(labels, scores, 0.4, rows, {"worth": worth}).measure(weights)["worth"]

    expected = [np.average(worth[rows], weights=one[rows]) for one in weights]
    assert found == pytest.approx(expected)


def test_samples_share_their_draws_so_that_differences_are_paired():
    labels, scores = _random_rows(500)
    slightly = np.clip(scores + 0.01, 0, 1)

    old, new = bootstrap.resampled(
        [Sample(labels, scores, 0.5), Sample(labels, slightly, 0.5)], 500, 200, seed=0
    )

    both = np.std(old["brier"]) + np.std(new["brier"])
    assert np.std(new["brier"] - old["brier"]) < both / 10


# significance


def test_a_difference_is_told_in_its_standard_deviations():
    values = np.array([1.0, 2, 3, np.nan])

    assert bootstrap.standard_score(2, values) == pytest.approx(2 / math.sqrt(2 / 3))
    assert bootstrap.standard_score(-2, values, least=4) == -0.5


def test_no_difference_scores_nothing_and_one_without_spread_without_bound():
    same = np.full(10, 0.25)

    assert bootstrap.standard_score(0, np.zeros(10)) == 0
    assert bootstrap.standard_score(0.25, same) == math.inf
    assert bootstrap.standard_score(-0.25, same) == -math.inf


standard = st.floats(-1, 6, allow_nan=False)


@quick
@given(st.lists(standard, max_size=12), st.sampled_from([0.025, 0.05]))
def test_the_step_down_is_the_one_of_holm_by_p_values(scores, tail):
    p_values = [1 - NormalDist().cdf(score) for score in scores]
    ranked = sorted(range(len(scores)), key=lambda i: p_values[i])
    expected = set()
    for place, number in enumerate(ranked):
        if p_values[number] >= tail / (len(scores) - place):
            break
        expected.add(number)

    assert {*np.flatnonzero(bootstrap.significant(np.array(scores), tail))} == expected


def test_what_is_significant_alone_need_not_be_so_among_many():
    alone, among = np.array([2.0]), np.array([2.0, *[0.0] * 19])

    assert bootstrap.significant(alone, 0.05).tolist() == [True]
    assert not bootstrap.significant(among, 0.05).any()


def test_a_strong_score_makes_room_for_the_next():
    assert bootstrap.significant(np.array([1.8, 5.0]), 0.05).tolist() == [True, True]
    assert bootstrap.significant(np.array([1.8, 1.8]), 0.05).tolist() == [False, False]


def test_an_endless_score_is_significant():
    assert bootstrap.significant(np.array([0, math.inf]), 0.05).tolist() == [False, True]
