"""The scorer: one row gives one number, whatever stands beside it; and the number makes sense."""

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from churn import exact
from churn.bundle import Bundle
from churn.calibration import Isotonic, NoCalibration, Sigmoid
from churn.columns import contract_columns, take
from churn.contract import BooleanColumn, CategoryColumn, IntegerColumn
from churn.errors import FeaturesGone, InvalidColumns
from churn.features import feature_set
from churn.scoring import Scorer
from churn.synthetic import draw
from tests.small import TELCO, small_parameters

CALIBRATIONS = [
    NoCalibration(),
    Sigmoid(slope=0.7, intercept=-0.4),
    Isotonic(margins=(-3.0, -1.0, 1.5), points=(0.05, 0.2, 0.8)),
]
OPTIONAL = [name for name, column in TELCO.columns.items() if not column.required]

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def parameters():
    return small_parameters(1, current_rows=500)


@pytest.fixture(params=CALIBRATIONS, ids=lambda one: one.method)
def calibrated(scorer, request):
    """A scorer with the same trees and a calibration of its own."""
    bundle = scorer.bundle
    manifest = bundle.manifest.model_copy(update={"calibration": request.param})
    return Scorer(Bundle(manifest, bundle.reference, bundle.booster))


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
def test_a_row_has_one_probability_alone_in_a_batch_and_in_another_order(scorer, rows, seed):
    together = scorer.probabilities(rows)
    assert (together.shape, together.dtype) == ((len(rows["age"]),), np.float64)
    assert ((together > 0) & (together < 1)).all()
    order = np.random.default_rng(seed).permutation(len(together))

    shuffled = scorer.probabilities(take(rows, order))

    assert shuffled.tobytes() == together[order].tobytes()
    for i in range(len(together)):
        assert scorer.probabilities(take(rows, slice(i, i + 1)))[0] == together[i]


def test_a_row_scores_the_same_among_many(scorer, customers):
    together = scorer.probabilities(customers)
    alone = [scorer.probabilities(take(customers, slice(i, i + 1)))[0] for i in range(0, 500, 25)]

    assert together[::25].tolist() == alone


@quick
@given(rows=st.integers(1, 70), seed=st.integers(0, 1000))
def test_few_rows_score_as_the_same_rows_do_in_a_table(scorer, worn, rows, seed):
    table = worn(200, seed)
    few = take(table, slice(rows))

    assert scorer.probabilities(few).tobytes() == scorer.probabilities(table)[:rows].tobytes()
    matrix = scorer.bundle.manifest.preprocessor.matrix(scorer.features(few))
    expected = scorer.bundle.booster.inplace_predict(matrix, predict_type="margin")
    assert scorer.margins(few).tolist() == expected.tolist()


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


# from columns to features, margins and probabilities


def test_features_are_the_columns_and_what_is_derived_from_them(scorer, parameters, customers):
    some = {name: values for name, values in customers.items() if name not in OPTIONAL}

    found = scorer.features(some)
    expected = feature_set(parameters.table).compute(contract_columns(some, parameters.table))
    assert [*found] == [*expected]
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_margins_are_what_the_trees_say_in_log_odds(scorer, customers):
    matrix = scorer.bundle.manifest.preprocessor.matrix(scorer.features(customers))
    expected = scorer.bundle.booster.predict(xgboost.DMatrix(matrix), output_margin=True)

    margins = scorer.margins(customers)

    assert (margins.dtype, margins.tolist()) == (np.float64, expected.tolist())


def test_a_probability_is_the_calibrated_margin_to_the_last_bit(calibrated, customers):
    calibration, margins = calibrated.bundle.manifest.calibration, calibrated.margins(customers)

    scores = calibrated.probabilities(customers)

    assert scores.tobytes() == calibration.probabilities(margins).tobytes()
    assert (np.diff(scores[np.argsort(margins)]) >= 0).all()


def test_the_trees_own_probabilities_stay_at_hand_whatever_the_calibration(calibrated, customers):
    own = calibrated.uncalibrated(customers)

    assert own.tobytes() == exact.sigmoid(calibrated.margins(customers)).tobytes()


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


def test_a_model_whose_features_are_gone_is_refused(scorer):
    manifest = scorer.bundle.manifest
    own = scorer.bundle.manifest.contract
    plain = manifest.model_copy(
        update={"contract": own.model_copy(update={"features": None, "constants": {}})}
    )

    with pytest.raises(FeaturesGone, match=r"src/churn/features has no .*, which the model was"):
        Scorer(Bundle(plain, scorer.bundle.reference, scorer.bundle.booster))


@pytest.mark.parametrize("name", [n for n in TELCO.columns if n not in OPTIONAL])
def test_an_absent_required_column_is_refused(scorer, customers, name):
    rest = {known: values for known, values in customers.items() if known != name}

    _refused(scorer, rest, f"required column '{name}' is absent")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", np.full(500, "42", dtype=object)),
        ("age", np.full(500, "42")),
        ("age", np.array(42.0)),
        ("age", np.zeros((500, 1))),
        ("age", np.full(500, 1j)),
        ("contract", np.zeros(500)),
        ("contract", np.full(500, "One year")),
        ("contract", np.full((500, 2), None, dtype=object)),
    ],
)
def test_a_misshapen_column_is_refused_by_name(scorer, customers, name, values):
    _refused(scorer, {**customers, name: values}, f"column '{name}' must be a flat array of")


def test_columns_of_different_lengths_or_none_at_all_are_refused(scorer, customers):
    _refused(scorer, {**customers, "age": np.zeros(3)}, r"one length, got \[3, 500\]")
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
    def risk(tenure, calls, late, contract):
        known = {"tenure_months": tenure, "support_calls": calls, "late_payments": late}
        given = {name: np.array([value]) for name, value in known.items()}
        term = np.array([contract], dtype=object)
        return scorer.probabilities({**take(customers, [0]), **given, "contract": term})[0]

    assert risk(70.0, 0.0, 0.0, "Two year") < 0.15
    assert risk(1.0, 6.0, 4.0, "Month-to-month") > 0.6


def test_who_the_customer_is_is_not_an_input(scorer, parameters):
    hidden = {parameters.table.id, parameters.table.target.column}
    manifest = scorer.bundle.manifest

    assert not hidden & {*manifest.contract.columns}
    assert not hidden & {one.name for one in manifest.preprocessor.inputs}
