"""Preparing inputs: what is learnt from training rows, and what it does to any row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import preprocess
from churn.columns import take
from churn.errors import InvalidColumns, NothingToLearnFrom
from churn.preprocess import Preprocessor
from churn.settings import PreprocessSettings

NAN = np.nan
NATIVE = PreprocessSettings(
    missing_numbers="native",
    missing_categories="level",
    max_missing=0.5,
    cap_quantile=0,
    max_levels=100,
)
FILLED = NATIVE.model_copy(update={"missing_numbers": "median", "missing_categories": "mode"})


def _words(*values):
    return np.array(values, dtype=object)


def _rows(rows=200, seed=0):
    """A number with gaps, one without, and a category with gaps; each (n,)."""
    rng = np.random.default_rng(seed)
    charge = np.where(rng.random(rows) < 0.1, NAN, rng.normal(60, 20, rows))
    plan = rng.choice(_words("Fiber", "DSL", "Cable", None), rows)
    return {"charge": charge, "calls": rng.poisson(2, rows).astype(float), "plan": plan}


numbers = st.one_of(st.floats(allow_infinity=False), st.just(NAN))
plans = st.sampled_from(["Fiber", "DSL", "Cable", "Carrier pigeon", None])


@st.composite
def any_rows(draw, least=1):
    """Rows with values that training may never have seen."""
    rows = draw(st.integers(least, 12))

    def column(of):
        return draw(st.lists(of, min_size=rows, max_size=rows))

    return {
        "charge": np.array(column(numbers)),
        "calls": np.array(column(numbers)),
        "plan": _words(*column(plans)),
    }


fits = pytest.mark.parametrize("settings_", [NATIVE, FILLED], ids=["native", "filled"])


# numbers


def test_extremes_are_capped_at_the_quantiles_of_the_training_rows():
    settings_ = NATIVE.model_copy(update={"cap_quantile": 0.1})
    fitted = preprocess.fit({"charge": np.arange(101.0)}, settings_)

    matrix = fitted.matrix({"charge": np.array([-1e300, 0, 10, 50, 90, 95, 1e300])})

    assert matrix[:, 0].tolist() == [10, 10, 10, 50, 90, 90, 90]


def test_without_a_cap_values_pass_unchanged_up_to_what_float32_holds():
    fitted = preprocess.fit({"charge": np.array([1.0, 2.0])}, NATIVE)

    matrix = fitted.matrix({"charge": np.array([-7.5, 123456.0, 1e300, -np.inf])})

    assert np.isfinite(matrix).all()
    assert matrix[:2, 0].tolist() == [-7.5, 123456.0]


def test_a_value_beyond_float32_in_the_training_rows_does_not_become_infinite():
    settings_ = NATIVE.model_copy(update={"cap_quantile": 0.1})
    fitted = preprocess.fit({"charge": np.array([1.0, 1e300, 1e300, 1e300])}, settings_)

    with np.errstate(over="ignore"):
        matrix = fitted.matrix({"charge": np.array([1e300])})

    assert np.isfinite(matrix).all()  # XGBoost refuses infinity


@pytest.mark.parametrize(("settings_", "expected"), [(NATIVE, NAN), (FILLED, 3.0)])
def test_a_missing_number_stays_missing_or_becomes_the_training_median(settings_, expected):
    fitted = preprocess.fit({"calls": np.array([1.0, NAN, 3.0, 100.0])}, settings_)

    matrix = fitted.matrix({"calls": np.array([NAN, 7.0])})

    np.testing.assert_array_equal(matrix[:, 0], [expected, 7.0])


# categories


def test_a_missing_category_has_a_level_of_its_own():
    fitted = preprocess.fit({"plan": _words("a", None, "b")}, NATIVE)

    assert fitted.names == ("plan=a", "plan=b", "plan=(missing)")
    assert fitted.matrix({"plan": _words(None, "b")}).tolist() == [[0, 0, 1], [0, 1, 0]]


def test_a_missing_category_counts_as_the_most_frequent_one_where_that_is_asked_for():
    fitted = preprocess.fit({"plan": _words("b", None, "b", "a")}, FILLED)

    assert fitted.names == ("plan=a", "plan=b")
    assert fitted.matrix({"plan": _words(None)}).tolist() == [[0, 1]]


def test_of_two_equally_frequent_categories_the_first_by_name_fills():
    fitted = preprocess.fit({"plan": _words("b", "a", None)}, FILLED)

    assert fitted.matrix({"plan": _words(None)}).tolist() == [[1, 0]]


@fits
def test_a_category_never_seen_in_training_is_none_of_the_levels(settings_):
    fitted = preprocess.fit({"plan": _words("a", "b", None)}, settings_)

    assert not fitted.matrix({"plan": _words("Carrier pigeon")}).any()


def test_levels_beyond_the_limit_are_the_rarest_and_count_as_unseen():
    settings_ = NATIVE.model_copy(update={"max_levels": 2})
    plans = _words("rare", "often", "often", "often", "some", "some")

    fitted = preprocess.fit({"plan": plans}, settings_)

    assert fitted.names == ("plan=often", "plan=some")
    assert fitted.matrix({"plan": _words("rare")}).tolist() == [[0, 0]]


# what is learnt


@fits
def test_a_fit_sees_only_the_rows_it_is_given(settings_):
    features, kept = _rows(), np.arange(200) < 120
    others = {**features, "charge": np.where(kept, features["charge"], 1e9)}
    others["plan"] = np.where(kept, features["plan"], "Carrier pigeon")

    fitted = preprocess.fit(take(features, kept), settings_)

    assert fitted == preprocess.fit(take(others, kept), settings_)
    assert fitted != preprocess.fit(others, settings_)


@fits
def test_the_order_of_the_training_rows_does_not_matter(settings_):
    features, order = _rows(), np.random.default_rng(1).permutation(200)

    assert preprocess.fit(take(features, order), settings_) == preprocess.fit(features, settings_)


def test_fitting_and_encoding_leave_the_rows_of_the_caller_alone():
    features = _rows()

    preprocess.fit(features, FILLED).matrix(features)

    for name, values in _rows().items():
        np.testing.assert_array_equal(features[name], values)


@pytest.mark.parametrize(("missing", "kept"), [(2, True), (3, False)])
def test_a_column_missing_more_often_than_allowed_is_dropped(missing, kept):
    gappy = np.array([NAN] * missing + [1.0] * (4 - missing))

    fitted = preprocess.fit({"gappy": gappy, "calls": np.ones(4)}, NATIVE)

    assert ("gappy" in fitted.names) is kept
    assert [one.name for one in fitted.dropped] == ([] if kept else ["gappy"])


def test_a_dropped_column_is_told_with_the_share_that_was_missing():
    features = {"plan": _words(None, None, None, "a"), "calls": np.ones(4)}

    fitted = preprocess.fit(features, NATIVE)

    assert [(one.name, one.missing) for one in fitted.dropped] == [("plan", 0.75)]


@pytest.mark.parametrize("empty", [np.full(4, NAN), _words(None, None, None, None)])
def test_a_column_without_any_value_is_dropped_even_where_all_may_be_missing(empty):
    settings_ = FILLED.model_copy(update={"max_missing": 1})

    fitted = preprocess.fit({"empty": empty, "calls": np.ones(4)}, settings_)

    assert fitted.names == ("calls",)


def test_nothing_to_learn_from_is_an_error_that_names_what_was_dropped():
    features = {"charge": np.full(3, NAN), "plan": _words(None, None, None)}

    with pytest.raises(NothingToLearnFrom, match=r"mostly missing: charge, plan\."):
        preprocess.fit(features, NATIVE)


# form


def test_model_columns_come_in_the_order_of_the_inputs_and_levels_by_name():
    features = {"z": np.ones(3), "plan": _words("b", "a", None), "a": np.ones(3)}

    fitted = preprocess.fit(features, NATIVE)

    assert fitted.names == ("z", "plan=a", "plan=b", "plan=(missing)", "a")
    assert fitted.categorical == (1,)


def test_columns_handed_over_in_another_order_give_the_same_matrix():
    features = _rows()
    fitted = preprocess.fit(features, NATIVE)

    backwards = dict(reversed(features.items()))

    np.testing.assert_array_equal(fitted.matrix(backwards), fitted.matrix(features))


@fits
def test_encoding_has_a_column_for_each_input_and_expanding_one_for_each_name(settings_):
    fitted = preprocess.fit(_rows(), settings_)

    encoded = fitted.encode(_rows(7, seed=1))

    assert (encoded.shape, encoded.dtype) == ((7, 3), np.float64)
    matrix = fitted.expand(encoded)
    assert (matrix.shape, matrix.dtype) == ((7, len(fitted.names)), np.float32)


def test_no_rows_give_an_empty_matrix():
    fitted = preprocess.fit(_rows(), NATIVE)

    assert fitted.matrix(_rows(0)).shape == (0, len(fitted.names))


def test_columns_of_different_lengths_are_refused():
    fitted = preprocess.fit(_rows(), NATIVE)

    with pytest.raises(InvalidColumns, match=r"one length, got \[3, 4\]"):
        fitted.matrix({**_rows(4), "calls": np.ones(3)})


@fits
@settings(deadline=None, max_examples=60)
@given(rows=any_rows())
def test_a_row_alone_gives_the_same_bits_as_among_others(settings_, rows):
    fitted = preprocess.fit(_rows(), settings_)

    together = fitted.matrix(rows)

    for i in range(len(together)):
        alone = fitted.matrix({name: values[i : i + 1] for name, values in rows.items()})
        assert alone.tobytes() == together[i : i + 1].tobytes()


@fits
@settings(deadline=None, max_examples=60)
@given(rows=any_rows())
def test_every_value_of_the_matrix_is_finite_or_missing_and_levels_exclude_one_another(
    settings_, rows
):
    fitted = preprocess.fit(_rows(), settings_)

    matrix = fitted.matrix(rows)

    assert not np.isinf(matrix).any()
    one_hot = matrix[:, [name.startswith("plan=") for name in fitted.names]]
    assert set(np.unique(one_hot)) <= {0, 1}
    assert (one_hot.sum(axis=1) <= 1).all()
    if settings_ is FILLED:
        assert not np.isnan(matrix).any()


@fits
@settings(deadline=None, max_examples=40)
@given(rows=any_rows())
def test_after_a_way_through_json_the_matrices_are_the_same(settings_, rows):
    fitted = preprocess.fit(_rows(), settings_)

    read = Preprocessor.model_validate_json(fitted.model_dump_json())

    assert read == fitted
    assert read.names == fitted.names
    assert read.matrix(rows).tobytes() == fitted.matrix(rows).tobytes()


def test_a_rare_yes_among_noes_is_not_capped_away():
    flag = np.zeros(8000)
    flag[:7] = 1
    fitted = preprocess.fit({"flag": flag}, NATIVE.model_copy(update={"cap_quantile": 0.001}))
    assert fitted.matrix({"flag": flag}).sum() == 7
