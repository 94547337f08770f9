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
    FeatureNameTaken,
    UnknownFeatureInput,
    UnknownFeatureModule,
    WrongFeature,
)
from churn.features import FeatureSet, _in_order, feature_set

COLUMNS = {"age": np.array([20.0, 30.0]), "plan": np.array(["Basic", None], dtype=object)}


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


def test_computing_leaves_the_given_columns_as_they_are():
    given_columns = {"age": np.array([20.0])}
    found = FeatureSet(("age",), {}, {"double": lambda age: age * 2})
    found.compute(given_columns)
    assert [*given_columns] == ["age"]
    assert given_columns["age"].tolist() == [20.0]


def test_a_table_without_rows_has_features_without_rows():
    found = FeatureSet(("age",), {}, {"double": lambda age: age * 2})
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
