import copy
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from churn.errors import InvalidParameters
from churn.params import checked
from churn.settings import FileSource, Parameters, SyntheticSource

SHIPPED = YAML(typ="safe", pure=True).load(Path(__file__).parents[2] / "params.yaml")
NAN, INFINITY = float("nan"), float("inf")

# parameter: the outermost values that are allowed, the nearest values that are not
BOUNDS = {
    "source.seed": ([0, 2**32 - 1], [-1, 2**32]),
    "source.history_rows": ([1], [0, 2_000_000_000]),
    "source.current_rows": ([1], [0]),
    "validate.max_rejected": ([0, 1], [-0.01, 1.01, NAN]),
    "split.test_share": ([0.01, 0.99], [0, 1, NAN]),
    "preprocess.max_missing": ([0, 1], [-0.01, 1.01]),
    "preprocess.cap_quantile": ([0, 0.49], [-0.01, 0.5]),
    "preprocess.max_levels": ([2, 1000], [1, 1001]),
    "preprocess.missing_numbers": (["native", "median"], ["mean"]),
    "preprocess.missing_categories": (["level", "mode"], ["drop"]),
    "balance.method": (["none", "class_weight", "smote", "random_over"], ["adasyn"]),
    "balance.seed": ([0], [-1]),
    "model.n_estimators": ([1, 10_000], [0, 10_001]),
    "model.max_depth": ([1, 16], [0, 17]),
    "model.learning_rate": ([0.001, 1], [0, 1.01, NAN]),
    "model.min_child_weight": ([0], [-1, INFINITY]),
    "model.subsample": ([0.01, 1], [0, 1.01]),
    "model.colsample_bytree": ([0.01, 1], [0, 1.01]),
    "model.reg_lambda": ([0], [-0.1, INFINITY]),
    "model.reg_alpha": ([0], [-0.1]),
    "model.gamma": ([0], [-0.1]),
    "search.folds": ([2, 20], [1, 21]),
    "decision.method": (["f1", "fixed"], ["cost"]),
    "decision.threshold": ([0.01, 0.99], [0, 1]),
    "evaluate.resamples": ([100, 100_000], [99, 100_001]),
    "drift.warning": ([0.01, 0.25], [0, 0.26]),
    "drift.alarm": ([0.1, 9], [0.09, INFINITY]),
}


def with_one(key, value):
    raw = copy.deepcopy(SHIPPED)
    group, name = key.split(".")
    raw[group][name] = value
    return checked(Parameters, raw, "params.yaml")


def each(side):
    return [(key, value) for key, sides in BOUNDS.items() for value in sides[side]]


@pytest.mark.parametrize(("key", "value"), each(0))
def test_a_value_on_the_bound_is_allowed(key, value):
    group, name = key.split(".")
    parameters = with_one(key, value)
    settings = parameters.validate_ if group == "validate" else getattr(parameters, group)
    assert getattr(settings, name) == value


@pytest.mark.parametrize(("key", "value"), each(1))
def test_a_value_beyond_the_bound_is_refused_by_name(key, value):
    group, name = key.split(".")
    with pytest.raises(InvalidParameters, match=rf"params\.yaml: {group}.*{name}"):
        with_one(key, value)


def test_a_file_source_needs_no_seed():
    raw = copy.deepcopy(SHIPPED)
    raw["source"] = {"kind": "csv", "history": "a.csv", "current": "b.csv"}
    source = checked(Parameters, raw, "params.yaml").source
    assert source == FileSource(kind="csv", history="a.csv", current="b.csv")


def test_settings_cannot_be_changed_after_they_were_read():
    model = checked(Parameters, SHIPPED, "params.yaml").model
    with pytest.raises(ValidationError, match="frozen"):
        model.max_depth = 9


def test_the_generator_is_not_given_a_file_in_silence():
    given = {"kind": "synthetic", "seed": 1, "history_rows": 10, "current_rows": 10}
    paths = {"history": "customers.csv", "current": "conf/source/none/current", "drift": "none"}
    with pytest.raises(ValidationError, match=r"reads no file, 'customers\.csv' neither; set"):
        SyntheticSource.model_validate(given | paths)
