"""The trees as tables: the margins of XGBoost to the last bit, or no tables at all."""

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import forest as module
from churn.forest import MOST_ROWS, forest

COLUMNS = 6
FLOAT32_MAX = float(np.finfo(np.float32).max)

pytestmark = pytest.mark.usefixtures("one_thread")


def _rows(rows=1500):
    """Customers of whom one column counts, one has gaps, and one never changes."""
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    matrix[:, 1] = rng.poisson(2, rows)
    matrix[rng.random(rows) < 0.2, 2] = np.nan
    matrix[:, 3] = 1
    matrix[:, 4] *= 1e30
    score = matrix[:, 0] * matrix[:, 1] + np.nan_to_num(matrix[:, 2]) + rng.normal(size=rows)
    return matrix, (score > 1).astype(np.float64)


def _trained(rounds=8, **parameters):
    matrix, labels = _rows()
    given = {"objective": "binary:logistic", "eta": 0.3, **parameters}
    return xgboost.train(given, xgboost.DMatrix(matrix, labels), num_boost_round=rounds)


BOOSTERS = {
    **{f"depth {depth}": {"max_depth": depth} for depth in range(1, 7)},
    "one tree": {"rounds": 1},
    "many trees": {"rounds": 150, "max_depth": 3},
    "no split at all": {"gamma": 1e9},
    "uneven trees": {"grow_policy": "lossguide", "max_leaves": 64, "max_depth": 0},
    "several trees a round": {"num_parallel_tree": 3, "subsample": 0.5},
    "a start of one's own": {"base_score": 0.123},
    "weights": {"scale_pos_weight": 3.7},
    "more cuts than a byte counts": {
        "rounds": 150,
        "tree_method": "exact",
        "max_depth": 6,
        "min_child_weight": 0,
    },
}


@pytest.fixture(scope="module", params=BOOSTERS.values(), ids=BOOSTERS)
def booster(request):
    return _trained(**request.param)


@pytest.fixture(scope="module")
def tables(booster):
    return forest(booster)


def _cuts(tables):
    """Numbers at which some tree decides; any number where none does."""
    return [one for one in tables.cuts.ravel().tolist() if np.isfinite(one)] or [0.0]


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_margins_are_those_of_xgboost_to_the_last_bit(booster, tables, data):
    # given any number of rows with values at the cuts, beside them, far away, and missing
    cut = st.sampled_from(_cuts(tables)).map(np.float32)
    value = st.one_of(
        cut,
        cut.map(lambda one: np.nextafter(one, np.float32(-np.inf))),
        cut.map(lambda one: np.nextafter(one, np.float32(np.inf))),
        st.sampled_from([np.nan, 0.0, -0.0, FLOAT32_MAX, -FLOAT32_MAX, 1e-45]),
        st.floats(width=32, allow_infinity=False),
    )
    few = data.draw(st.lists(value, min_size=COLUMNS, max_size=4 * COLUMNS))
    rows = data.draw(st.integers(1, 70))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    matrix = rng.choice(np.array(few, dtype=np.float32), (rows, COLUMNS))
    # when
    margins = tables.margins(matrix)
    # then
    assert margins.tobytes() == booster.inplace_predict(matrix, predict_type="margin").tobytes()
    alone = [tables.margins(matrix[i : i + 1]) for i in range(rows)]
    assert np.concatenate(alone).tobytes() == margins.tobytes()


def test_no_rows_have_no_margins(tables):
    assert tables.margins(np.empty((0, COLUMNS), dtype=np.float32)).shape == (0,)


def test_a_larger_forest_is_for_fewer_rows():
    few, many = (forest(_trained(rounds, max_depth=6)) for rounds in (2, 500))

    assert MOST_ROWS == few.most_rows > many.most_rows > 0


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"booster": "dart", "rate_drop": 0.5}, id="dart"),
        pytest.param({"booster": "gblinear"}, id="no trees"),
        pytest.param({"max_depth": 12, "min_child_weight": 0}, id="too many leaves"),
    ],
)
def test_a_booster_of_another_kind_has_no_tables(parameters):
    assert forest(_trained(**parameters)) is None


def test_a_booster_whose_tables_would_be_large_has_none():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(1500, 60))
    data = xgboost.DMatrix(matrix, matrix[:, 0] > rng.normal(size=1500))

    assert forest(xgboost.train({"min_child_weight": 0}, data, num_boost_round=500)) is None


def test_a_booster_of_several_outputs_has_no_tables():
    matrix, labels = _rows()
    classes = xgboost.DMatrix(matrix, labels + (matrix[:, 0] > 1))
    targets = xgboost.DMatrix(matrix, np.stack([labels, 1 - labels], axis=1))

    assert (
        forest(xgboost.train({"objective": "multi:softprob", "num_class": 3}, classes, 2)) is None
    )
    assert forest(xgboost.train({"objective": "binary:logistic"}, targets, 2)) is None


def test_a_booster_that_splits_categories_has_no_tables():
    matrix, labels = _rows()
    types = ["q", "c", "q", "q", "q", "q"]
    data = xgboost.DMatrix(matrix, labels, feature_types=types, enable_categorical=True)
    given = {"objective": "binary:logistic", "max_cat_to_onehot": 1}

    assert forest(xgboost.train(given, data, 3)) is None


def test_tables_that_would_differ_in_a_bit_are_not_used(monkeypatch):
    booster = _trained()
    start = module._base_margin

    monkeypatch.setattr(module, "_base_margin", lambda *of: np.nextafter(start(*of), np.float32(9)))

    assert forest(booster) is None
