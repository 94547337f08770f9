"""The scorer: one row gives one number, whatever stands beside it; and the number makes sense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from churn import training
from churn.columns import take
from churn.contract import BooleanColumn, CategoryColumn, IntegerColumn
from churn.errors import InvalidColumns
from churn.features import feature_set
from churn.scoring import Scorer
from churn.synthetic import draw
from tests.small import TELCO, small_parameters

OPTIONAL = [name for name, column in TELCO.columns.items() if not column.required]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def parameters():
    return small_parameters(3000, current_rows=500, n_estimators=40, learning_rate=0.15)


@pytest.fixture(scope="module")
def scorer(parameters):
    drawn = draw(parameters.source, "history")
    features = feature_set(parameters.table).compute(drawn.columns)
    labels = drawn.churned.astype(np.float64)
    return Scorer(training.train(drawn.columns, features, labels, parameters, "0" * 64).bundle)


@pytest.fixture(scope="module")
def customers(parameters):
    """500 customers that the model has not seen."""
    return draw(parameters.source, "current").columns


def _values(column):
    """Values that the contract allows."""
    if isinstance(column, CategoryColumn):
        return st.sampled_from(column.values)
    if isinstance(column, BooleanColumn):
        return st.sampled_from([0.0, 1.0])
    if isinstance(column, IntegerColumn):
        return st.integers(int(column.min), int(column.max)).map(float)
    exclude = column.above is not None
    return st.floats(column.above if exclude else column.min, column.max, exclude_min=exclude)


@st.composite
def valid_rows(draw, most=8):
    """Rows within the contract, optional fields missing here and there."""
    rows, columns = draw(st.integers(1, most)), {}
    for name, column in TELCO.columns.items():
        is_category = isinstance(column, CategoryColumn)
        missing = st.just(None if is_category else np.nan)
        of = _values(column) if column.required else st.one_of(_values(column), missing)
        values = draw(st.lists(of, min_size=rows, max_size=rows))
        columns[name] = np.array(values, dtype=object if is_category else np.float64)
    return columns


quick = settings(deadline=None, max_examples=40)


# one row, one number


@quick
@given(rows=valid_rows(), seed=st.integers(0, 1000))
def test_a_row_scores_the_same_alone_in_a_batch_and_in_another_order(scorer, rows, seed):
    together = scorer.probabilities(rows)
    order = np.random.default_rng(seed).permutation(len(together))

    shuffled = scorer.probabilities(take(rows, order))

    assert shuffled.tobytes() == together[order].tobytes()
    for i in range(len(together)):
        assert scorer.probabilities(take(rows, slice(i, i + 1)))[0] == together[i]


@quick
@given(rows=valid_rows())
def test_every_valid_row_gets_a_probability(scorer, rows):
    scores = scorer.probabilities(rows)

    assert scores.shape == (len(rows["age"]),)
    assert scores.dtype == np.float64
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_row_scores_the_same_among_many(scorer, customers):
    together = scorer.probabilities(customers)

    alone = [scorer.probabilities(take(customers, slice(i, i + 1)))[0] for i in range(0, 500, 25)]

    assert together[::25].tolist() == alone


def test_the_number_of_threads_does_not_change_a_bit(scorer, customers):
    scores = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            scores.append(scorer.probabilities(customers).tobytes())

    assert scores[0] == scores[1]


def test_scoring_leaves_the_rows_of_the_caller_alone(scorer, customers):
    before = {name: values.copy() for name, values in customers.items()}

    scorer.probabilities(customers)

    for name, values in before.items():
        np.testing.assert_array_equal(customers[name], values)


def test_columns_may_come_in_any_order_and_as_whole_numbers(scorer, customers):
    whole = {**customers, "age": customers["age"].astype(np.int32)}
    whole["tv_service"] = customers["tv_service"].astype(bool)

    scores = scorer.probabilities(dict(reversed(whole.items())))

    assert scores.tobytes() == scorer.probabilities(customers).tobytes()


def test_no_rows_give_no_probabilities(scorer, customers):
    assert scorer.probabilities(take(customers, slice(0, 0))).shape == (0,)


# missing and unknown values


@pytest.mark.parametrize("names", [[name] for name in OPTIONAL] + [OPTIONAL], ids=" ".join)
def test_an_absent_optional_column_is_a_missing_value(scorer, customers, names):
    some = take(customers, slice(0, 50))
    absent = {name: values for name, values in some.items() if name not in names}
    missing = dict(some)
    for name in names:
        is_category = some[name].dtype == object
        missing[name] = np.full(50, None, dtype=object) if is_category else np.full(50, np.nan)

    scores = scorer.probabilities(absent)

    assert scores.tobytes() == scorer.probabilities(missing).tobytes()
    assert np.isfinite(scores).all()


def test_a_category_never_seen_in_training_is_scored_all_the_same(scorer, customers):
    pigeon = np.full(500, "Carrier pigeon", dtype=object)

    scores = scorer.probabilities({**customers, "payment_method": pigeon})

    assert ((scores >= 0) & (scores <= 1)).all()


# refusals


def _refused(scorer, columns, match):
    with pytest.raises(InvalidColumns, match=match):
        scorer.probabilities(columns)


@pytest.mark.parametrize("name", ["shoe_size", "customer_id", "churn"])
def test_a_column_that_is_no_input_is_refused(scorer, customers, name):
    _refused(scorer, {**customers, name: np.zeros(500)}, rf"unknown column '{name}'.*columns are:")


@pytest.mark.parametrize("name", [n for n in TELCO.columns if n not in OPTIONAL])
def test_an_absent_required_column_is_refused(scorer, customers, name):
    rest = {known: values for known, values in customers.items() if known != name}

    _refused(scorer, rest, f"required column '{name}' is absent")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", np.full(500, "42", dtype=object)),
        ("age", np.full(500, "42")),
        ("age", np.zeros((500, 1))),
        ("age", np.full(500, 1j)),
        ("contract", np.zeros(500)),
        ("contract", np.full(500, "One year")),
        ("contract", np.full((500, 2), None, dtype=object)),
    ],
)
def test_a_misshapen_column_is_refused_by_name(scorer, customers, name, values):
    _refused(scorer, {**customers, name: values}, f"column '{name}' must be a flat array of")


def test_a_single_value_in_place_of_a_column_is_refused(scorer, customers):
    _refused(scorer, {**customers, "age": np.array(42.0)}, "age")


def test_columns_of_different_lengths_are_refused(scorer, customers):
    _refused(scorer, {**customers, "age": np.zeros(3)}, r"one length, got \[3, 500\]")


def test_nothing_at_all_is_refused(scorer):
    _refused(scorer, {}, "columns must be of one length")


# decisions


def test_a_probability_at_the_threshold_is_a_call(scorer):
    threshold = scorer.bundle.manifest.threshold
    around = np.array([np.nextafter(threshold, 0), threshold, np.nextafter(threshold, 1)])

    assert scorer.decisions(around).tolist() == [False, True, True]


# behaviour


def test_customers_who_will_leave_rank_above_those_who_stay(scorer, parameters):
    drawn = draw(parameters.source, "current")

    scores = scorer.probabilities(drawn.columns)

    assert scores[drawn.churned].mean() > scores[~drawn.churned].mean() + 0.15


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [
        ("support_calls", 0.0, 6.0),
        ("late_payments", 0.0, 5.0),
        ("contract", "Two year", "Month-to-month"),
        ("contract", "One year", "Month-to-month"),
        ("tenure_months", 60.0, 2.0),
    ],
)
def test_what_drives_customers_away_raises_the_risk(scorer, customers, name, better, worse):
    def mean_risk(value):
        column = np.full(500, value, dtype=customers[name].dtype)
        return scorer.probabilities({**customers, name: column}).mean()

    assert mean_risk(worse) > mean_risk(better) + 0.02


def test_the_plainest_cases_are_told_apart(scorer, customers):
    one = take(customers, slice(0, 1))
    safe = {"tenure_months": 70.0, "support_calls": 0.0, "late_payments": 0.0}
    loyal = {**one, **{name: np.array([value]) for name, value in safe.items()}}
    loyal["contract"] = np.array(["Two year"], dtype=object)
    risky = {"tenure_months": 1.0, "support_calls": 6.0, "late_payments": 4.0}
    angry = {**one, **{name: np.array([value]) for name, value in risky.items()}}
    angry["contract"] = np.array(["Month-to-month"], dtype=object)

    assert scorer.probabilities(loyal)[0] < 0.15
    assert scorer.probabilities(angry)[0] > 0.6


def test_who_the_customer_is_is_not_an_input(scorer, parameters):
    known = {*scorer.bundle.manifest.contract.columns}

    assert parameters.table.id not in known
    assert parameters.table.target.column not in known
    inputs = {one.name for one in scorer.bundle.manifest.preprocessor.inputs}
    assert not inputs & {parameters.table.id, parameters.table.target.column}
