from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from churn.cleaning import clean
from churn.errors import EmptySplit
from churn.export import export
from churn.features import feature_set
from churn.featurizing import featurize, with_features
from churn.params import read_parameters
from churn.splitting import is_test
from churn.synthetic import draw
from churn.tables import to_columns
from churn.validation import validate

SHIPPED = read_parameters(Path(__file__).parents[2] / "params.yaml")
CONTRACT = SHIPPED.table
SOURCE = SHIPPED.source.model_copy(update={"history_rows": 1200, "current_rows": 150})


def cleaned(part):
    raw = export(draw(SOURCE, part), CONTRACT, SOURCE, part)
    labelled = part == "history"
    return clean(validate(raw, CONTRACT, part, 0.1, labelled=labelled).valid, CONTRACT)


@pytest.fixture(scope="module")
def history():
    return cleaned("history")


@pytest.fixture(scope="module")
def current():
    return cleaned("current")


@pytest.fixture(scope="module")
def tables(history, current):
    return featurize(history, current, CONTRACT, SHIPPED.split)


def ids(table):
    return table.column(CONTRACT.id).to_pylist()


def test_train_and_test_divide_the_history_by_the_hash_of_the_id(tables, history):
    assert sorted(ids(tables["train"]) + ids(tables["test"])) == ids(history)
    assert is_test(ids(tables["test"]), SHIPPED.split).all()
    assert not is_test(ids(tables["train"]), SHIPPED.split).any()


def test_every_table_is_sorted_by_id(tables):
    for table in tables.values():
        assert ids(table) == sorted(ids(table))


def test_every_table_has_id_columns_and_features_and_the_labelled_ones_the_target(tables):
    inputs = [*feature_set(CONTRACT).names]
    labelled = [CONTRACT.id, CONTRACT.target.column, *inputs]
    assert tables["train"].column_names == labelled
    assert tables["test"].column_names == labelled
    assert tables["current"].column_names == [CONTRACT.id, *inputs]


@pytest.mark.parametrize("side", ["train", "test", "current"])
def test_stored_features_are_those_that_the_scorer_computes(tables, side):
    table = tables[side]
    features = feature_set(CONTRACT)
    computed = features.compute(to_columns(table, CONTRACT.columns))
    stored = to_columns(table, features.names)
    for name, values in computed.items():
        if values.dtype == object:
            assert stored[name].tolist() == values.tolist(), name
        else:
            np.testing.assert_array_equal(stored[name], values, name)


def test_the_test_customers_stand_in_where_there_are_no_recent_ones(history, current):
    tables = featurize(history, current.slice(0, 0), CONTRACT, SHIPPED.split)
    assert tables["current"].equals(tables["test"])


def test_recent_customers_are_not_divided(tables, current):
    assert ids(tables["current"]) == ids(current)


def test_the_clean_columns_stay_as_they_were(tables, history):
    names = history.column_names
    held_out = pa.array(is_test(ids(history), SHIPPED.split))
    assert tables["test"].select(names).to_pylist() == history.filter(held_out).to_pylist()


def test_the_outcome_changes_no_feature(history):
    turned = pa.array([not left for left in history.column(CONTRACT.target.column).to_pylist()])
    other = history.set_column(1, CONTRACT.target.column, turned)
    features = [*feature_set(CONTRACT).functions]
    one = with_features(history, CONTRACT).select(features)
    assert one.equals(with_features(other, CONTRACT).select(features))


def test_a_side_with_too_few_customers_is_refused(history, current):
    with pytest.raises(EmptySplit, match=r"the test side has \d+ customers.*split\.test_share"):
        featurize(
            history, current, CONTRACT, SHIPPED.split.model_copy(update={"test_share": 0.001})
        )
