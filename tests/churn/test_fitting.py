"""Fitting one model: what the trees see, and that they depend on nothing else."""

import tracemalloc
import weakref

import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from churn import fitting, preprocess
from churn.balance import churner_weight
from churn.columns import take
from churn.errors import CannotResample, NothingToLearnFrom
from churn.fitting import Encode, matrix, preparation, prepare
from tests.small import TREES, content, few_customers, procedure

pytestmark = pytest.mark.usefixtures("one_thread")
every_balance = pytest.mark.parametrize("balance", ["none", "class_weight", "smote", "random_over"])


@pytest.fixture(scope="module")
def customers():
    return few_customers()


def _frame(features):
    return pd.DataFrame({name: pd.Series(v, dtype=v.dtype) for name, v in features.items()})


def _probabilities(prepared, model, features):
    return prepared.boost(model, 1).inplace_predict(prepared.preprocessor.matrix(features))


def _same(one, other):
    return all(np.array_equal(one[n], other[n], equal_nan=n != "plan") for n in one)


# what the trees see


@every_balance
def test_the_preparation_is_fitted_on_the_rows_as_they_are_before_any_is_added(customers, balance):
    features, labels = customers

    found = prepare(features, labels, procedure(balance))

    assert found.preprocessor == preprocess.fit(features, procedure().preprocess)


@pytest.mark.parametrize("missing", ["native", "median"])
def test_the_step_of_the_pipeline_encodes_as_the_preparation_does(customers, missing):
    features, _ = customers
    settings = procedure(missing_numbers=missing).preprocess

    encoded = Encode(settings).fit(take(features, slice(0, 100))).transform(features)

    fitted = preprocess.fit(take(features, slice(0, 100)), settings)
    assert matrix(encoded).tobytes() == fitted.encode(features).tobytes()


def test_a_data_frame_is_encoded_as_its_columns_are(customers):
    features, _ = customers
    step = Encode(procedure().preprocess).fit(_frame(features))

    assert step.preprocessor_ == preprocess.fit(features, procedure().preprocess)
    pd.testing.assert_frame_equal(step.transform(_frame(features)), step.transform(features))


def test_level_numbers_are_told_from_numbers_and_one_never_seen_has_none(customers):
    features, _ = customers
    step = Encode(procedure().preprocess).fit(features)

    encoded = step.transform({**features, "plan": np.full(240, "Carrier pigeon", dtype=object)})

    kinds = [isinstance(dtype, pd.CategoricalDtype) for dtype in encoded.dtypes]
    assert kinds == [False, False, False, True]
    assert (matrix(encoded)[:, 3] == -1).all()


def test_the_steps_can_be_cloned_and_fitted_anew(customers):
    features, labels = customers
    steps = preparation(procedure("smote"))
    rows, outcomes = steps.fit_resample(features, labels)

    again, same = clone(steps).fit_resample(features, labels)

    assert matrix(again).tobytes() == matrix(rows).tobytes()
    assert same.tolist() == outcomes.tolist()


@pytest.mark.parametrize("balance", ["smote", "random_over"])
def test_resampling_gives_as_many_churners_as_others(customers, balance):
    data = prepare(*customers, procedure(balance)).data

    others = (1 - customers[1]).sum()
    assert data.num_row() == 2 * others
    assert data.get_label().sum() == others


@every_balance
def test_churners_weigh_more_under_class_weight_alone(customers, balance):
    weight = prepare(*customers, procedure(balance)).churner_weight

    labels = customers[1]
    assert weight == churner_weight(len(labels), int(labels.sum()), procedure(balance).balance)
    assert (weight > 1) is (balance == "class_weight")


def test_fitting_leaves_the_rows_of_the_caller_alone(customers):
    features, labels = few_customers()

    prepare(features, labels, procedure("smote")).boost(TREES, 1)

    assert _same(features, customers[0])
    assert labels.tolist() == customers[1].tolist()


# a block at a time


@every_balance
def test_rows_of_one_block_give_the_bits_of_the_whole_matrix(balance):
    features, labels = few_customers(2000)
    how = procedure(balance)

    found = prepare(features, labels, how)

    rows, outcomes = preparation(how).fit_resample(features, labels)
    data = xgboost.QuantileDMatrix(found.preprocessor.expand(matrix(rows)), outcomes)
    assert content(found.data) == content(data)


@every_balance
def test_blocks_are_the_rows_of_the_table_in_their_order(customers, monkeypatch, balance):
    whole = prepare(*customers, procedure(balance)).data
    monkeypatch.setattr(fitting, "BLOCK", 50)

    data = prepare(*customers, procedure(balance)).data

    # So few rows that each value has a bin of its own, wherever blocks begin.
    assert content(data) == content(whole)


@pytest.mark.parametrize("rows", [2999, 3000, 3001])
def test_the_number_of_threads_changes_no_bit_of_many_blocks(monkeypatch, rows):
    customers = few_customers(rows)
    monkeypatch.setattr(fitting, "BLOCK", 1000)

    learnt = []
    for threads in (1, 2, 4):
        prepared = prepare(*customers, procedure(), threads)
        learnt.append((content(prepared.data), prepared.boost(TREES, threads).save_raw()))

    assert prepared.data.num_row() == rows
    assert learnt[0] == learnt[1] == learnt[2]


def test_a_model_learns_as_well_from_many_blocks(monkeypatch):
    features, labels = few_customers(6000)
    monkeypatch.setattr(fitting, "BLOCK", 1000)

    scores = _probabilities(prepare(features, labels, procedure()), TREES, features)

    monkeypatch.undo()
    whole = _probabilities(prepare(features, labels, procedure()), TREES, features)
    assert np.abs(scores - whole).mean() < 0.02


def test_no_more_than_a_block_of_the_model_matrix_is_ever_made(monkeypatch):
    rows, inputs = 40_000, 40
    rng = np.random.default_rng(0)
    features = {f"x{number}": rng.random(rows) for number in range(inputs)}
    labels = (features["x0"] < 0.3).astype(np.float64)
    monkeypatch.setattr(fitting, "BLOCK", 2000)

    tracemalloc.start()
    prepare(features, labels, procedure())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < rows * inputs * 4 / 2


def test_the_bins_of_many_rows_take_no_memory_between_two_models(customers, monkeypatch):
    few = prepare(*customers, procedure())
    monkeypatch.setattr(fitting, "MOST_KEPT", 100)
    many = prepare(*customers, procedure())

    bins = [weakref.ref(one.data) for one in (few, many)]

    assert [one() is None for one in bins] == [False, True]
    models = [one.boost(TREES, 1).save_raw() for one in (few, many, many)]
    assert models[0] == models[1] == models[2]


# the trees


def test_the_model_has_as_many_trees_as_were_asked_for_and_starts_with_those_of_a_smaller_one(
    customers,
):
    prepared = prepare(*customers, procedure())
    large, small = (
        prepared.boost(TREES.model_copy(update={"n_estimators": trees}), 1) for trees in (12, 5)
    )

    assert (large.num_boosted_rounds(), small.num_boosted_rounds()) == (12, 5)
    assert large[:5].get_dump() == small.get_dump()


@every_balance
def test_the_number_of_threads_does_not_change_a_bit(balance):
    customers = few_customers(2000)
    learnt = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            prepared = prepare(*customers, procedure(balance), threads)
        learnt.append(bytes(prepared.boost(TREES, threads).save_raw()))

    assert learnt[0] == learnt[1]


def test_prepared_rows_may_be_learnt_from_again_and_again(customers):
    prepared = prepare(*customers, procedure())
    first = prepared.boost(TREES, 1).save_raw()

    prepared.boost(TREES.model_copy(update={"max_depth": 6}), 1)

    assert prepared.boost(TREES, 1).save_raw() == first


def test_another_seed_gives_other_trees(customers):
    prepared = prepare(*customers, procedure())

    other = prepared.boost(TREES.model_copy(update={"seed": 1}), 1)

    assert other.save_raw() != prepared.boost(TREES, 1).save_raw()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_depth", 1),
        ("learning_rate", 0.05),
        ("min_child_weight", 20),
        ("subsample", 0.5),
        ("colsample_bytree", 0.3),
        ("reg_lambda", 30),
        ("reg_alpha", 10),
        ("gamma", 5),
    ],
)
def test_every_parameter_of_the_model_reaches_the_trees(customers, name, value):
    prepared = prepare(*customers, procedure())

    changed = prepared.boost(TREES.model_copy(update={name: value}), 1)

    assert changed.get_dump() != prepared.boost(TREES, 1).get_dump()


def test_a_large_model_can_learn_a_tiny_table_by_heart():
    features, labels = few_customers(60)
    deep = {"n_estimators": 200, "max_depth": 8, "learning_rate": 0.3, "min_child_weight": 0}
    free = {"subsample": 1, "colsample_bytree": 1, "reg_lambda": 0}
    prepared = prepare(features, labels, procedure())

    scores = _probabilities(prepared, TREES.model_copy(update={**deep, **free}), features)

    assert ((scores > 0.5) == labels).all()


@pytest.mark.parametrize("balance", ["class_weight", "smote", "random_over"])
def test_balancing_moves_the_scores_up(customers, balance):
    features, labels = customers

    plain, raised = (
        _probabilities(prepare(features, labels, procedure(how)), TREES, features)
        for how in ("none", balance)
    )

    assert plain.mean() == pytest.approx(labels.mean(), abs=0.02)
    assert raised.mean() > plain.mean() + 0.08


def test_a_row_scores_the_same_alone_and_among_the_others(customers):
    features, _ = customers
    prepared = prepare(*customers, procedure())

    together = _probabilities(prepared, TREES, features)

    assert _probabilities(prepared, TREES, take(features, slice(4, 5)))[0] == together[4]


# refusals


def test_rows_without_a_usable_input_are_refused_by_name():
    features = {"charge": np.full(50, np.nan), "plan": np.full(50, None, dtype=object)}

    with pytest.raises(NothingToLearnFrom, match=r"charge, plan.*raise preprocess\.max_missing"):
        prepare(features, (np.arange(50) < 20).astype(float), procedure())


def test_smote_without_filled_numbers_is_refused_with_what_to_set(customers):
    with pytest.raises(CannotResample, match=r"preprocess\.missing_numbers=median fills them"):
        prepare(*customers, procedure("smote", missing_numbers="native"))
