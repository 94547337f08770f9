import copy
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from churn.contract import Contract
from churn.errors import InvalidParameters, UnreadableParameters
from churn.params import checked, read_parameters
from churn.settings import Parameters, SyntheticSource

ROOT = Path(__file__).parents[2]
SHIPPED = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")


def changed(key, value):
    """The shipped parameters with one value changed."""
    raw = copy.deepcopy(SHIPPED)
    *groups, name = key.split(".")
    inner = raw
    for group in groups:
        inner = inner[group]
    inner[name] = value
    return raw


@pytest.fixture
def written(tmp_path):
    """Writes parameters to a file and gives its path."""

    def write(raw):
        path = tmp_path / "params.yaml"
        YAML(typ="safe", pure=True).dump(raw, path)
        return path

    return write


def test_the_shipped_parameters_are_valid():
    parameters = read_parameters(ROOT / "params.yaml")
    assert isinstance(parameters.source, SyntheticSource)
    assert parameters.model.max_depth == SHIPPED["model"]["max_depth"]


def test_the_shipped_parameters_hold_the_contract_of_conf():
    raw = YAML(typ="safe", pure=True).load(ROOT / "conf/table/telco.yaml")
    contract = checked(Contract, raw, "conf/table/telco.yaml")
    assert read_parameters(ROOT / "params.yaml").table == contract


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("model.max_depth", 0, r"model\.max_depth: 0 is not allowed: .*greater than or equal to 1"),
        ("model.max_depth", 3.5, r"model\.max_depth: 3\.5 is not allowed: .*valid integer"),
        (
            "model.max_dpeth",
            4,
            r"model: unknown key 'max_dpeth' \(did you mean 'max_depth'\?\); allowed are "
            "n_estimators, max_depth",
        ),
        ("modell", {}, r"unknown key 'modell' \(did you mean 'model'\?\); allowed are table,"),
        ("model", None, "model: None is not allowed"),
        ("split.test_share", 1.5, r"split\.test_share: 1\.5 is not allowed: .*less than 1"),
        ("split.test_share", "x", r"split\.test_share: 'x' is not allowed: .*valid number"),
        ("validate.max_rejected", 2, r"validate\.max_rejected: 2 is not allowed: .*equal to 1"),
        (
            "source.kind",
            "excel",
            "source: kind 'excel' is unknown; allowed are 'synthetic', 'csv'",
        ),
        ("source.kind", "csv", r"source(\.csv)?: unknown key '\w+'.*; allowed are kind, history"),
        ("source", {}, "source: kind is missing"),
        ("source.drift", "wild", r"source\.drift: 'wild' is not allowed: .*'none', 'mild' or 'str"),
        ("balance.method", "smoot", r"balance\.method: 'smoot' is not allowed: .*'smote'"),
        (
            "search.method",
            "random",
            "search: method 'random' is unknown; allowed are 'none', 'grid', 'optuna'",
        ),
        (
            "decision.method",
            "cost",
            "decision: method 'cost' is unknown; allowed are 'fixed', 'f1', 'profit', 'recall_at_",
        ),
        (
            "calibration.method",
            "platt",
            r"calibration\.method: 'platt' is not allowed: .*'sigmoid' or 'isotonic'",
        ),
        ("drift.alarm", 0.05, r"drift: alarm 0\.05 is below warning 0\.1"),
        ("table.id", "age", r"table: columns\.age is the id"),
        (
            "table.columns.age.type",
            "whole",
            r"table\.columns\.age: type 'whole' is unknown; allowed are 'integer', 'number'",
        ),
    ],
)
def test_a_wrong_parameter_is_told_with_file_key_value_and_what_is_allowed(
    written, key, value, message
):
    path = written(changed(key, value))
    whole = f"^{path}: (top level: )?{message}.*Correct conf/ and run make compose.*$"
    with pytest.raises(InvalidParameters, match=whole):
        read_parameters(path)


@pytest.mark.parametrize("group", SHIPPED)
def test_a_missing_group_is_named(written, group):
    path = written({name: value for name, value in SHIPPED.items() if name != group})
    with pytest.raises(InvalidParameters, match=f"{path}: {group}: missing"):
        read_parameters(path)


@pytest.mark.parametrize("key", ["model.max_depth", "split.salt", "source.seed", "table.target"])
def test_a_missing_parameter_is_named(written, key):
    raw = copy.deepcopy(SHIPPED)
    group, name = key.split(".")
    del raw[group][name]
    where = r"source(\.\w+)?\.seed" if group == "source" else key
    with pytest.raises(InvalidParameters, match=f"{where}: missing"):
        read_parameters(written(raw))


def test_two_wrong_parameters_are_told_together(written):
    raw = changed("model.max_depth", 0)
    raw["split"]["test_share"] = 7
    with pytest.raises(InvalidParameters, match=r"split\.test_share: 7 .*model\.max_depth: 0"):
        read_parameters(written(raw))


@pytest.mark.parametrize("key", ["model.max_depth", "model.subsample", "model.gamma"])
def test_true_is_not_taken_for_the_number_one(key):
    with pytest.raises(InvalidParameters, match=f"{key}: True is not allowed"):
        checked(Parameters, changed(key, True), "params.yaml")


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"], ids=["empty", "list", "text"])
def test_a_file_without_keys_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(InvalidParameters, match=f"{path}: top level: .* is not allowed"):
        read_parameters(path)


def test_a_missing_file_is_told_with_how_to_write_it(tmp_path):
    path = tmp_path / "params.yaml"
    with pytest.raises(UnreadableParameters, match=f"{path}: .*no such file.*make compose"):
        read_parameters(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"model: {max_depth: 3", "line 1"),
        (b"model: 1\nmodel: 2\n", 'duplicate key "model"'),
        (b"model:\n\tmax_depth: 3\n", "line 2"),
        (b"\xff\xfe\x00", "unacceptable character"),
        (b"model: !!python/object/apply:os.getcwd []\n", "constructor"),
    ],
    ids=["not closed", "a key twice", "a tab", "not text", "code"],
)
def test_a_file_that_is_not_plain_yaml_is_refused(tmp_path, content, why):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableParameters, match=f"{path}: cannot be read: .*{why}.*compose"):
        read_parameters(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(UnreadableParameters, match=f"{tmp_path}: cannot be read"):
        read_parameters(tmp_path)
