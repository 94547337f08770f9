import importlib
import inspect
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import features
from churn.contract import Contract
from churn.errors import (
    CircularFeatures,
    FeatureKnownTooLate,
    FeatureNameTaken,
    UnknownFeatureInput,
    UnknownFeatureModule,
    WrongFeature,
)
from churn.features import FeatureSet, _in_order, feature_set

COLUMNS = {"age": np.array([20.0, 30.0]), "plan": np.array(["Basic", None], dtype=object)}
# A contract of which one column is known only after the event.
WITH_REFUND = {
    "refund": {"type": "number", "after_event": True},
    "age": {"type": "integer"},
    "plan": {"type": "category"},
}


def contract(**changes):
    return Contract.model_validate(
        {
            "name": "mine",
            "id": "customer",
            "target": {"column": "left", "positive": "Yes", "negative": "No"},
            "constants": {"typical": 10},
            "columns": {"age": {"type": "integer"}, "plan": {"type": "category"}},
            **changes,
        }
    )


@pytest.fixture
def features_of(tmp_path, monkeypatch):
    """Gives the feature set of a contract whose feature module has the given source."""
    monkeypatch.setattr(features, "__path__", [*features.__path__, str(tmp_path)])

    def written(source, **changes):
        (tmp_path / "written.py").write_text(f"import numpy as np\n{source}")
        importlib.invalidate_caches()
        return feature_set(contract(features="churn.features.written", **changes))

    yield written
    sys.modules.pop("churn.features.written", None)
    vars(features).pop("written", None)


def function_of(*parameters):
    """A function with the given parameters that adds them up."""

    def total(**needed):
        return sum(needed.values())

    kind = inspect.Parameter.KEYWORD_ONLY
    total.__signature__ = inspect.Signature([inspect.Parameter(p, kind) for p in parameters])
    return total


def test_without_features_the_columns_are_the_inputs():
    plain = feature_set(contract())
    assert plain.names == ("age", "plan")
    assert [*plain.compute(COLUMNS)] == ["age", "plan"]


def test_a_feature_may_name_columns_constants_and_other_features(features_of):
    found = features_of(
        "def gap(double, typical):\n    return double - typical\n"
        "def double(age):\n    return age * 2\n"
    )
    assert found.names == ("age", "plan", "double", "gap")
    assert found.compute(COLUMNS)["gap"].tolist() == [30.0, 50.0]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.data())
def test_every_feature_finds_what_it_needs_whatever_order_functions_stand_in(data):
    # given a random graph without circles: a feature needs some of those with a lower number
    count = data.draw(st.integers(1, 12))
    names = [f"f{number}" for number in range(count)]
    needs = {
        name: data.draw(st.lists(st.sampled_from(["age", *names[:number]]), unique=True))
        for number, name in enumerate(names)
    }
    standing = data.draw(st.permutations(names))
    # when
    ordered = [*_in_order({name: function_of(*needs[name]) for name in standing}, ["age"])]
    # then
    assert sorted(ordered) == sorted(names)
    for name in names:
        before = ordered[: ordered.index(name)]
        assert set(needs[name]) <= {"age", *before}


def test_independent_features_keep_the_order_of_the_module(features_of):
    found = features_of("def b(age):\n    return age\ndef a(age):\n    return age\n")
    assert [*found.functions] == ["b", "a"]


def test_private_and_imported_functions_are_no_features(features_of):
    found = features_of(
        "from textwrap import dedent\n"
        "def _half(age):\n    return age / 2\n"
        "def half(age):\n    return _half(age)\n"
    )
    assert [*found.functions] == ["half"]


def test_an_unknown_input_is_named_with_a_suggestion(features_of):
    words = (
        r"feature half: parameter 'aeg' is no column, constant or feature of this table "
        r"\(did you mean 'age'\?\)\. Known: age, plan, typical, half\. Rename the parameter"
    )
    with pytest.raises(UnknownFeatureInput, match=words):
        features_of("def half(aeg):\n    return aeg / 2\n")


@pytest.mark.parametrize("role", ["left", "customer"])
def test_no_feature_sees_the_target_or_the_id(features_of, role):
    with pytest.raises(UnknownFeatureInput, match=f"parameter '{role}' is no column"):
        features_of(f"def peek({role}):\n    return {role}\n")


def test_a_column_known_only_after_the_event_is_no_model_input():
    assert feature_set(contract(columns=WITH_REFUND)).names == ("age", "plan")


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.lists(st.floats() | st.none(), min_size=2, max_size=2))
def test_model_inputs_are_the_same_whatever_is_known_only_after_the_event(refunds):
    found = feature_set(contract(columns=WITH_REFUND))
    computed = found.compute({**COLUMNS, "refund": np.array(refunds, dtype=float)})
    assert {name: values.tolist() for name, values in computed.items()} == {
        "age": [20.0, 30.0],
        "plan": ["Basic", None],
    }


def test_features_beside_a_column_known_only_after_the_event_work_as_ever(features_of):
    found = features_of("def double(age):\n    return age * 2\n", columns=WITH_REFUND)
    computed = found.compute({**COLUMNS, "refund": np.array([5.0, np.nan])})
    assert [*computed] == [*found.names] == ["age", "plan", "double"]
    # a customer about whom a prediction is asked for has none
    assert found.compute(COLUMNS)["double"].tolist() == [40.0, 60.0]


def test_a_feature_of_a_column_known_only_after_the_event_is_refused(features_of):
    words = (
        "feature share: parameter 'refund' is marked after_event in the contract: nobody knows it "
        r"yet when a prediction is asked for\. Have the feature do without it, or take the mark off"
    )
    with pytest.raises(FeatureKnownTooLate, match=words):
        features_of("def share(age, refund):\n    return refund / age\n", columns=WITH_REFUND)


def test_a_feature_cannot_take_the_name_of_a_column_known_only_after_the_event(features_of):
    with pytest.raises(FeatureNameTaken, match=r"feature refund of churn\.features\.written"):
        features_of("def refund(age):\n    return age\n", columns=WITH_REFUND)


def test_a_column_known_only_after_the_event_is_not_suggested_as_an_input(features_of):
    words = r"parameter 'refunds' is no column.*table\. Known: age, plan, typical, half\."
    with pytest.raises(UnknownFeatureInput, match=words):
        features_of("def half(refunds):\n    return refunds / 2\n", columns=WITH_REFUND)


CHARGES = {name: {"type": "number", "unit": "USD"} for name in ("day", "evening", "night")}
BILL = {name: np.array([value, np.nan]) for name, value in zip(CHARGES, (1, 2, 4), strict=True)}


def test_the_sum_of_columns_of_one_unit_is_a_model_input_between_columns_and_features(features_of):
    found = features_of("def double(day):\n    return day * 2\n", columns=CHARGES)
    assert found.names == ("day", "evening", "night", "sum_of_USD", "double")
    assert found.derived == ("sum_of_USD", "double")
    assert [*found.compute(BILL)] == [*found.names]


def test_a_sum_with_a_missing_part_is_missing():
    found = feature_set(contract(columns=CHARGES)).compute({**BILL, "night": np.array([4.0, 8.0])})
    np.testing.assert_array_equal(found["sum_of_USD"], [7.0, np.nan])


@settings(deadline=None, max_examples=50, derandomize=True)
@given(st.lists(st.tuples(*[st.floats(-1e9, 1e9)] * 3), min_size=1, max_size=9))
def test_a_row_has_the_same_sum_alone_as_among_others(rows):
    found = feature_set(contract(columns=CHARGES))

    def total(*some):
        columns = dict(zip(CHARGES, np.array(some).T, strict=True))
        return found.compute(columns)["sum_of_USD"].tolist()

    assert total(*rows) == [one for row in rows for one in total(row)]


def test_a_feature_may_use_a_sum(features_of):
    source = "def share(day, sum_of_USD):\n    return day / sum_of_USD\n"
    assert features_of(source, columns=CHARGES).compute(BILL)["share"][0] == 1 / 7


def test_a_feature_cannot_take_the_name_of_a_sum(features_of):
    with pytest.raises(FeatureNameTaken, match=r"feature sum_of_USD of churn\.features\.written"):
        features_of("def sum_of_USD(day):\n    return day\n", columns=CHARGES)


def test_a_sum_is_suggested_as_an_input(features_of):
    words = r"parameter 'sum_of_usd' is no column.* \(did you mean 'sum_of_USD'\?\)"
    with pytest.raises(UnknownFeatureInput, match=words):
        features_of("def half(sum_of_usd):\n    return sum_of_usd / 2\n", columns=CHARGES)


def test_without_sums_and_features_nothing_is_derived():
    assert feature_set(contract()).derived == ()


def test_features_in_a_circle_are_told_all_the_way_round(features_of):
    source = (
        "def start(a):\n    return a\n"
        "def a(b):\n    return b\n"
        "def b(c):\n    return c\n"
        "def c(a):\n    return a\n"
    )
    with pytest.raises(CircularFeatures, match=r"in a circle: a -> b -> c -> a\. Break it by"):
        features_of(source)


def test_a_feature_that_needs_itself_is_a_circle():
    with pytest.raises(CircularFeatures, match="in a circle: a -> a"):
        _in_order({"a": function_of("a")}, ["age"])


@pytest.mark.parametrize("taken", ["age", "typical"])
def test_a_feature_named_like_a_column_or_constant_is_refused(features_of, taken):
    words = f"feature {taken} of churn.features.written: .* has that name. Rename one"
    with pytest.raises(FeatureNameTaken, match=words):
        features_of(f"def {taken}(plan):\n    return plan\n")


@pytest.mark.parametrize("taken", ["left", "customer"])
def test_a_feature_named_like_the_target_or_the_id_is_refused(features_of, taken):
    with pytest.raises(FeatureNameTaken, match=f"feature {taken} of churn.features.written"):
        features_of(f"def {taken}(age):\n    return age\n")


def test_an_unknown_module_is_named_with_a_suggestion():
    words = (
        r"no module 'churn\.features\.telko' \(did you mean 'churn\.features\.telco'\?\)\. "
        r"There are: churn\.features\.telco\. Add src/churn/features/<name>\.py"
    )
    with pytest.raises(UnknownFeatureModule, match=words):
        feature_set(contract(features="churn.features.telko"))


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        ("3.0", "float"),
        ("None", "NoneType"),
        ("[1.0, 2.0]", "list"),
        ("age[:1]", r"shape \(1,\)"),
        ("age.reshape(-1, 1)", r"shape \(2, 1\)"),
        ("age.sum()", "float64"),
    ],
)
def test_a_feature_that_returns_no_column_is_named_with_what_it_returned(
    features_of, returned, got
):
    found = features_of(f"def odd(age):\n    return {returned}\n")
    with pytest.raises(WrongFeature, match=f"feature odd: returned {got}; .* array of length 2"):
        found.compute(COLUMNS)


def test_a_feature_that_returns_numpy_text_is_a_category(features_of):
    found = features_of("def group(age):\n    return np.where(age < 25, 'young', 'old')\n")
    assert found.compute(COLUMNS)["group"].tolist() == ["young", "old"]


@pytest.mark.parametrize("returned", ["age > 25", "(age > 25).astype('int8')"])
def test_yes_no_and_whole_numbers_become_floats(features_of, returned):
    computed = features_of(f"def old(age):\n    return {returned}\n").compute(COLUMNS)["old"]
    assert computed.dtype == np.float64
    assert computed.tolist() == [0.0, 1.0]


def feature_set_that_doubles():
    double = {"double": lambda age: age * 2}
    return FeatureSet(columns=("age",), totals={}, constants={}, functions=double)


def test_computing_leaves_the_given_columns_as_they_are():
    given_columns = {"age": np.array([20.0])}
    found = feature_set_that_doubles()
    found.compute(given_columns)
    assert [*given_columns] == ["age"]
    assert given_columns["age"].tolist() == [20.0]


def test_a_table_without_rows_has_features_without_rows():
    found = feature_set_that_doubles()
    assert found.compute({"age": np.zeros(0)})["double"].shape == (0,)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("1 / (age - 30)", "feature odd: returned 1 infinite values"),
        ("age / agee", r"feature odd: raised NameError: name 'agee' .*line 3\)"),
    ],
)
def test_a_feature_that_fails_or_is_infinite_is_named(features_of, code, problem):
    found = features_of(f"def odd(age):\n    return {code}\n")
    columns = {**COLUMNS, "age": np.array([30.0, 40.0])}
    with np.errstate(divide="ignore"), pytest.raises(WrongFeature, match=problem):
        found.compute(columns)


def test_a_function_that_changes_its_arguments_is_refused(features_of):
    found = features_of("def older(age):\n    age += 1\n    return age\n")
    columns = {"age": np.full(100, 42.0), "plan": np.full(100, None, dtype=object)}

    with pytest.raises(WrongFeature, match=r"older: raised ValueError: .*read-only"):
        found.compute(columns)

    assert (columns["age"] == 42).all()
