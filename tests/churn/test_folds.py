"""Folds: no row that is held out reaches what is learnt from the others, in any way."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xgboost

from churn import fitting, preprocess
from churn.columns import take
from churn.errors import TooManyFolds
from churn.fitting import matrix, preparation
from churn.folds import out_of_fold, prepared_folds, side_by_side, split
from churn.settings import NoSearch
from tests.small import TREES, content, few_customers, procedure

FOLDS = 3
CROSS_VALIDATION = NoSearch(method="none", folds=FOLDS, seed=0, scoring="roc_auc")
every_balance = pytest.mark.parametrize("balance", ["none", "class_weight", "smote", "random_over"])
adding_rows = pytest.mark.parametrize("balance", ["smote", "random_over"])

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def customers():
    return few_customers()


def _folds(features, labels, balance="none"):
    return prepared_folds(features, labels, procedure(balance), CROSS_VALIDATION)


def _settings(**changes):
    return CROSS_VALIDATION.model_copy(update=changes)


def _scrambled(features, rows):
    """The features with those of some rows made such as no customer has."""
    changed = {name: values.copy() for name, values in features.items()}
    for values in changed.values():
        values[rows] = "Carrier pigeon" if values.dtype == object else -1e6 * (1 + values[rows])
    return changed


def _learnt(fold):
    """All that a fold learns from, and what it learns."""
    prepared = fold.prepared
    trees = bytes(fold.boost(TREES, 1).save_raw())
    return prepared.preprocessor, prepared.churner_weight, content(prepared.data), trees


def _resampled(customers, learn, balance):
    """What is learnt from in a fold: rows of the caller, rows added; each (m, inputs)."""
    features, labels = take(customers[0], learn), customers[1][learn]
    rows = matrix(preparation(procedure(balance)).fit_resample(features, labels)[0])
    return rows[: len(learn)], rows[len(learn) :]


# the rows held out


def _unchanged(customers, balance, number):
    """Of each fold, whether it learns the same when the rows that one holds out are scrambled."""
    features, labels = customers
    held_out = split(labels, CROSS_VALIDATION)[number][1]
    before = _folds(features, labels, balance)
    after = _folds(_scrambled(features, held_out), labels, balance)
    return [_learnt(one) == _learnt(two) for one, two in zip(before, after, strict=True)]


@every_balance
@pytest.mark.parametrize("number", range(FOLDS))
def test_rows_held_out_change_no_bit_of_what_is_learnt_and_rows_learnt_from_do(
    customers, balance, number
):
    assert _unchanged(customers, balance, number) == [fold == number for fold in range(FOLDS)]


def test_no_row_that_is_held_out_is_in_a_block_that_is_learnt_from(customers, monkeypatch):
    monkeypatch.setattr(fitting, "BLOCK", 30)

    assert _unchanged(customers, "none", 1) == [False, True, False]


@adding_rows
def test_rows_are_added_to_the_rows_learnt_from_only(customers, balance):
    features, labels = customers

    for (learn, hold), fold in zip(
        split(labels, CROSS_VALIDATION), _folds(features, labels, balance), strict=True
    ):
        others = int((1 - labels[learn]).sum())
        assert fold.prepared.data.num_row() == 2 * others > len(learn)
        assert fold.rows.tolist() == hold.tolist()
        expected = fold.prepared.preprocessor.matrix(take(features, hold))
        assert fold.held_out.tobytes() == expected.tobytes()


@adding_rows
def test_a_fold_learns_from_what_the_preparation_of_its_own_rows_gives(customers, balance):
    features, labels = customers

    for (learn, _), fold in zip(
        split(labels, CROSS_VALIDATION), _folds(features, labels, balance), strict=True
    ):
        rows = np.vstack(_resampled(customers, learn, balance))
        outcomes = np.append(labels[learn], np.ones(len(rows) - len(learn)))
        data = xgboost.QuantileDMatrix(fold.prepared.preprocessor.expand(rows), outcomes)
        assert content(fold.prepared.data) == content(data)


def _lies_between_two(row, churners):
    """Whether the numbers of the row lie on the line between those of two churners."""
    starts, steps = churners[:, None], churners[None] - churners[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ((row - starts) / steps)[:, :, :1]  # no two have the same charge
        on_the_line = np.isclose(starts + share * steps, row, rtol=1e-9, atol=1e-9).all(axis=2)
    return bool((on_the_line & (share[:, :, 0] >= 0) & (share[:, :, 0] <= 1)).any())


@pytest.mark.parametrize("number", range(FOLDS))
def test_every_synthetic_churner_lies_between_two_churners_of_its_own_fold(customers, number):
    learn, hold = split(customers[1], CROSS_VALIDATION)[number]

    own, added = _resampled(customers, learn, "smote")

    churners = own[customers[1][learn] == 1]
    plan = len(customers[0]) - 1
    assert len(added) > 30
    assert {*added[:, plan]} <= {*churners[:, plan]}
    assert all(_lies_between_two(row[:plan], churners[:, :plan]) for row in added)
    fitted = preprocess.fit(take(customers[0], learn), procedure("smote").preprocess)
    others = fitted.encode(take(customers[0], hold))
    assert not any(_lies_between_two(row[:plan], churners[:, :plan]) for row in others)


@pytest.mark.parametrize("number", range(FOLDS))
def test_every_churner_drawn_again_is_one_of_its_own_fold(customers, number):
    learn, _ = split(customers[1], CROSS_VALIDATION)[number]

    own, added = _resampled(customers, learn, "random_over")

    assert len(added) > 30
    churners = {tuple(row) for row in own[customers[1][learn] == 1]}
    assert {tuple(row) for row in added} <= churners


# predictions of rows that were held out


def test_a_row_is_scored_by_the_model_of_its_fold(customers):
    folds = _folds(*customers)
    boosters = [fold.boost(TREES, 1) for fold in folds]

    margins = out_of_fold(folds, boosters, TREES.n_estimators)

    for fold, booster in zip(folds, boosters, strict=True):
        expected = booster.predict(xgboost.DMatrix(fold.held_out), output_margin=True)
        assert margins[fold.rows].tolist() == expected.tolist()


def test_only_the_first_trees_score_if_fewer_are_asked_for(customers):
    folds = _folds(*customers)
    few = TREES.model_copy(update={"n_estimators": 5})

    margins = out_of_fold(folds, [fold.boost(TREES, 1) for fold in folds], 5)

    exactly = out_of_fold(folds, [fold.boost(few, 1) for fold in folds], 5)
    assert margins.tobytes() == exactly.tobytes()


@every_balance
def test_rows_held_out_together_do_not_see_one_another(customers, balance):
    features, labels = customers
    held_out = split(labels, CROSS_VALIDATION)[0][1]
    changed, kept = held_out[::2], held_out[1::2]

    def margins(given):
        folds = _folds(given, labels, balance)
        return out_of_fold(folds, [fold.boost(TREES, 1) for fold in folds], TREES.n_estimators)

    before, after = margins(features), margins(_scrambled(features, changed))

    assert after[kept].tobytes() == before[kept].tobytes()
    assert np.delete(after != before, held_out).mean() > 0.9  # the others learn from them


def test_two_models_may_be_asked_of_a_fold_at_the_same_time(customers):
    fold = _folds(*customers)[0]
    models = [TREES.model_copy(update={"max_depth": depth}) for depth in (1, 2, 3, 4)]
    one_by_one = [fold.boost(model, 1).save_raw() for model in models]

    with ThreadPoolExecutor(4) as pool:
        together = [*pool.map(lambda model: fold.boost(model, 1).save_raw(), models)]

    assert together == one_by_one


@pytest.mark.parametrize("method", ["none", "class_weight"])
def test_folds_too_large_to_be_kept_give_the_same_bits_one_at_a_time(
    customers, monkeypatch, method
):
    kept = _folds(*customers, method)
    monkeypatch.setattr(fitting, "MOST_KEPT", 100)

    large = _folds(*customers, method)

    assert [_learnt(fold) for fold in large] == [_learnt(fold) for fold in kept]
    assert (side_by_side(kept, 4), side_by_side(large, 4)) == (4, 1)


def test_folds_hold_no_copy_of_the_rows(monkeypatch):
    features, labels = few_customers(50_000)
    monkeypatch.setattr(fitting, "MOST_KEPT", 100)
    prepared_folds(features, labels, procedure(), CROSS_VALIDATION)

    tracemalloc.start()
    folds = prepared_folds(features, labels, procedure(), CROSS_VALIDATION)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # Indices and outcomes; all rows but one fold's, in each fold, would be more than as much again.
    assert held / len(folds) < 8 * 2.5 * len(labels)


# the folds themselves


def test_every_row_is_held_out_once_and_learnt_from_otherwise(customers):
    labels = customers[1]

    folds = split(labels, CROSS_VALIDATION)

    rows = np.arange(len(labels)).tolist()
    assert sorted(np.concatenate([hold for _, hold in folds])) == rows
    for learn, hold in folds:
        assert sorted([*learn, *hold]) == rows
        assert labels[hold].mean() == pytest.approx(labels.mean(), abs=0.01)


def test_another_seed_gives_other_folds_and_the_same_seed_the_same(customers):
    labels = customers[1]

    first, second, other = (
        [hold.tolist() for _, hold in split(labels, _settings(seed=seed))] for seed in (1, 1, 2)
    )

    assert first == second != other


@pytest.mark.parametrize("rarer", [0.0, 1.0])
def test_more_folds_than_customers_of_one_outcome_are_refused_with_the_most_possible(rarer):
    labels = np.where(np.arange(30) < 4, rarer, 1 - rarer)

    with pytest.raises(
        TooManyFolds,
        match=r"^search\.folds: 5 folds, but only 4 training .*Lower search\.folds or add history",
    ):
        split(labels, _settings(folds=5))

    assert all(rarer in labels[hold] for _, hold in split(labels, _settings(folds=4)))
