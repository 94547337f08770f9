"""Balancing: churners are added to training rows, and everything else stays as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from churn.balance import churner_weight, resample
from churn.errors import CannotResample, ChurnError
from churn.settings import BalanceSettings

CATEGORICAL = (2,)
seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=15)
adding = pytest.mark.parametrize("method", ["smote", "random_over"])


def _method(name, seed=0):
    return BalanceSettings(method=name, seed=seed)


def _rows(rows=120, churners=25, seed=0):
    """Two numbers and a level number; (n, 3) and (n,), churners spread among the others."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(rows) < churners).astype(float)
    levels = rng.integers(-1, 3, rows)
    matrix = np.column_stack([rng.normal(60, 20, rows), rng.poisson(3, rows), levels])
    return matrix.astype(float), labels


@pytest.mark.parametrize("method", ["none", "class_weight"])
def test_methods_that_add_no_rows_change_nothing(method):
    encoded, labels = _rows()

    rows, outcomes = resample(encoded, labels, CATEGORICAL, _method(method))

    np.testing.assert_array_equal(rows, _rows()[0])
    np.testing.assert_array_equal(outcomes, _rows()[1])


@adding
@few
@given(seed=seeds)
def test_afterwards_there_are_as_many_churners_as_others(method, seed):
    encoded, labels = _rows(seed=seed)

    rows, outcomes = resample(encoded, labels, CATEGORICAL, _method(method, seed))

    assert outcomes.sum() == len(outcomes) / 2 == 95
    assert rows.shape == (190, 3)


@adding
@pytest.mark.parametrize("categorical", [(), CATEGORICAL], ids=["numbers", "mixed"])
def test_the_original_rows_come_first_and_are_unchanged(method, categorical):
    encoded, labels = _rows()

    rows, outcomes = resample(encoded, labels, categorical, _method(method))

    assert rows[:120].tobytes() == encoded.tobytes() == _rows()[0].tobytes()
    assert outcomes[:120].tolist() == labels.tolist()
    assert (outcomes[120:] == 1).all()


@few
@given(seed=seeds)
def test_churners_drawn_again_are_churners_that_exist(seed):
    encoded, labels = _rows(seed=seed)

    rows, _ = resample(encoded, labels, CATEGORICAL, _method("random_over", seed))

    churners = {tuple(row) for row in encoded[labels == 1]}
    assert {tuple(row) for row in rows[120:]} <= churners


@few
@given(seed=seeds)
def test_synthetic_churners_lie_among_the_real_ones(seed):
    encoded, labels = _rows(seed=seed)

    rows, _ = resample(encoded, labels, CATEGORICAL, _method("smote", seed))

    churners, added = encoded[labels == 1], rows[120:]
    assert set(added[:, 2]) <= set(churners[:, 2])
    for number in (0, 1):
        assert added[:, number].min() >= churners[:, number].min()
        assert added[:, number].max() <= churners[:, number].max()


def test_synthetic_churners_are_new_customers():
    encoded, labels = _rows()

    rows, _ = resample(encoded, labels, CATEGORICAL, _method("smote"))

    churners = {tuple(row) for row in encoded[labels == 1]}
    assert len({tuple(row) for row in rows[120:]} - churners) > 60


@adding
def test_the_same_seed_adds_the_same_rows_and_another_seed_others(method):
    encoded, labels = _rows()

    first, second, other = (
        resample(encoded, labels, CATEGORICAL, _method(method, seed))[0] for seed in (1, 1, 2)
    )

    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()


@adding
def test_the_number_of_threads_does_not_change_a_bit(method):
    # Many inputs of few values: neighbours are equally near, and threads would decide among them.
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(2000) < 600).astype(float)
    encoded = rng.integers(0, 4, (2000, 20)).astype(float)

    results = []
    for threads in (2, 1):  # a limit binds only libraries that are loaded already
        with threadpool_limits(threads):
            results.append(resample(encoded, labels, (), _method(method))[0].tobytes())

    assert results[0] == results[1]


def test_smote_refuses_missing_numbers_and_says_what_to_set():
    encoded, labels = _rows()
    encoded[3, 0] = np.nan

    with pytest.raises(CannotResample, match=r"preprocess\.missing_numbers=median"):
        resample(encoded, labels, CATEGORICAL, _method("smote"))


def test_drawing_again_works_with_missing_numbers():
    encoded, labels = _rows()
    encoded[labels == 1, 0] = np.nan

    rows, outcomes = resample(encoded, labels, CATEGORICAL, _method("random_over"))

    assert np.isnan(rows[120:, 0]).all()
    assert outcomes.sum() == 95


@pytest.mark.parametrize(
    ("inputs", "categorical", "churners"),
    [((2,), (0,), 25), ((0, 1), (), 4), ((0, 1, 2), CATEGORICAL, 4)],
    ids=["categories only", "few churners", "few churners, mixed"],
)
def test_smote_says_in_words_that_it_cannot_use_the_rows(inputs, categorical, churners):
    encoded, labels = _rows(churners=churners)

    with pytest.raises(ChurnError, match="balance=smote"):
        resample(encoded[:, inputs], labels, categorical, _method("smote"))


@pytest.mark.parametrize(
    ("method", "expected"),
    [("class_weight", 3.0), ("none", 1.0), ("smote", 1.0), ("random_over", 1.0)],
)
def test_a_churner_weighs_as_much_as_the_others_per_churner_under_class_weight(method, expected):
    labels = np.array([1.0] * 25 + [0.0] * 75)

    assert churner_weight(len(labels), int(labels.sum()), _method(method)) == expected


def test_smote_makes_no_half_a_yes():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=200), rng.integers(0, 2, 200)])
    labels = (np.arange(200) < 40).astype(float)
    made, _ = resample(rows, labels, (), BalanceSettings(method="smote", seed=0))
    assert len(made) == 320
    assert set(made[:, 1]) == {0.0, 1.0}
