"""Settings: each bound where it is, and a wrong value told by key, value and what is allowed."""

import copy
from datetime import UTC, date, datetime
from functools import reduce
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from churn.errors import InvalidParameters
from churn.params import checked
from churn.settings import FileSource, LogSource, Parameters, SyntheticSource

SPACE = {"max_depth": [3, 5], "learning_rate": [0.05, 0.1]}
SEARCH = {"folds": 5, "seed": 0, "scoring": "neg_log_loss"}
# Groups in which a method brings keys of its own.
METHODS = {
    "none": {"search": {"method": "none", **SEARCH}},
    "grid": {"search": {"method": "grid", **SEARCH, "space": SPACE}},
    "optuna": {
        "search": {"method": "optuna", **SEARCH, "space": SPACE, "trials": 9, "pruning": True}
    },
    "f1": {"decision": {"method": "f1"}},
    "fixed": {"decision": {"method": "fixed", "threshold": 0.5}},
    "recall": {"decision": {"method": "recall_at_precision", "precision": 0.6}},
}
SHIPPED = {
    **YAML(typ="safe", pure=True).load(Path(__file__).parents[2] / "params.yaml"),
    **METHODS["none"],
    **METHODS["f1"],
}
NEEDED = {
    "search.trials": "optuna",
    "search.pruning": "optuna",
    "decision.threshold": "fixed",
    "decision.precision": "recall",
}
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
    "search.seed": ([0, 2**32 - 1], [-1, 2**32]),
    "search.trials": ([1, 10_000], [0, 10_001]),
    "search.pruning": ([True, False], ["sometimes"]),
    "calibration.method": (["best", "none", "sigmoid", "isotonic"], ["platt"]),
    "decision.method": (["f1", "profit"], ["cost"]),
    "decision.threshold": ([0.01, 0.99], [0, 1, NAN]),
    "decision.precision": ([0.01, 1], [0, 1.01]),
    "evaluate.resamples": ([100, 100_000], [99, 100_001]),
    "evaluate.seed": ([0], [-1]),
    "evaluate.metric": (["roc_auc", "pr_auc", "f1", "log_loss", "brier"], ["accuracy"]),
    "evaluate.min_gain": ([0, 1], [-0.01, 1.01]),
    "evaluate.guard": ([None, (), ("contract",)], ["contract"]),
    "evaluate.money.margin": ([0.01], [0, INFINITY]),
    "evaluate.money.offer_cost": ([0.01], [0]),
    "evaluate.money.acceptance": ([0.01, 1], [0, 1.01]),
    "evaluate.money.months_kept": ([0.5], [0]),
    "evaluate.money.outcome_months": ([0.5], [0]),
    "evaluate.leaks.auc": ([0.51, 1], [0.5, 1.01]),
    "evaluate.leaks.identical": ([0, 1], [-0.01, 1.01]),
    "tracking.uri": (["x"], [""]),
    "tracking.experiment": (["x"], [""]),
    "drift.warning": ([0.01, 0.25], [0, 0.26]),
    "drift.alarm": ([0.1, 9], [0.09, INFINITY]),
    "drift.false_alarm": ([0.001, 0.5], [0, 0.51]),
    "drift.max_fall": ([0.01, 0.99], [0, 1]),
    "drift.max_age_days": ([0.5, 365], [0, INFINITY]),
    "serve.processes": ([1, 64], [0, 65, True]),
    "serve.max_batch": ([1, 100_000], [0, 100_001]),
    "serve.max_in_flight": ([1, 100_000], [0, 100_001]),
    "serve.requests_per_second": ([None, 0.01, 1e6], [0, 0.009, INFINITY, NAN]),
    "serve.deadline": ([0.1, 300], [0.09, 301, NAN]),
    "serve.cors_origins": (
        [(), ("*",), ("https://crm.example.com", "http://localhost:3000")],
        ["*", ["crm.example.com"], ["https://*.example.com"], ["https://a.example/x"]],
    ),
    "serve.log_requests": ([True, False], ["sometimes"]),
    "serve.risk.medium": ([0, 0.7], [-0.01, NAN]),
    "serve.risk.high": ([0.3, 1], [1.01, NAN]),
    "serve.recommendation.low": (["x"], [""]),
    "serve.recommendation.medium": (["x"], [""]),
    "serve.recommendation.high": (["x"], [""]),
    "serve.challenger.model": ([None, "v1.2.0"], [""]),
    "serve.challenger.mode": (["shadow", "split"], ["canary"]),
    "serve.challenger.share": ([0, 1], [-0.01, 1.01, NAN]),
    "serve.challenger.salt": (["", "x"], [1]),
}


def with_one(key, value):
    raw = copy.deepcopy(SHIPPED | METHODS.get(NEEDED.get(key), {}))
    *groups, name = key.split(".")
    reduce(dict.__getitem__, groups, raw)[name] = value
    return checked(Parameters, raw, "params.yaml")


def each(side):
    return [(key, value) for key, sides in BOUNDS.items() for value in sides[side]]


@pytest.mark.parametrize(("key", "value"), each(0))
def test_a_value_on_the_bound_is_allowed(key, value):
    attributes = key.replace("validate.", "validate_.").split(".")
    assert reduce(getattr, attributes, with_one(key, value)) == value


@pytest.mark.parametrize(("key", "value"), each(1))
def test_a_value_beyond_the_bound_is_refused_by_name(key, value):
    group, *_, name = key.split(".")
    with pytest.raises(InvalidParameters, match=rf"params\.yaml: {group}.*{name}"):
        with_one(key, value)


def test_a_file_source_needs_no_seed():
    raw = copy.deepcopy(SHIPPED)
    raw["source"] = {"kind": "csv", "history": "a.csv", "current": "b.csv"}
    source = checked(Parameters, raw, "params.yaml").source
    assert source == FileSource(kind="csv", history="a.csv", current="b.csv")


@pytest.mark.parametrize(
    ("guard", "message"),
    [
        (
            ["contracd"],
            r"evaluate\.guard: 'contracd' divides .*\(did you mean 'contract'\?\); age, ",
        ),
        (["support_calls"], r"evaluate\.guard: 'support_calls' divides customers into no kinds"),
        (
            "contract",
            r"evaluate\.guard: 'contract' is not allowed: write a list, such as \[contract",
        ),
    ],
)
def test_a_guard_that_guards_nothing_is_refused(guard, message):
    with pytest.raises(InvalidParameters, match=message):
        with_one("evaluate.guard", guard)


def test_the_bounds_of_the_risk_levels_must_not_cross():
    message = r"params\.yaml: serve\.risk: high 0\.7 is below medium 0\.71"
    with pytest.raises(InvalidParameters, match=message):
        with_one("serve.risk.medium", 0.71)


def test_settings_cannot_be_changed_after_they_were_read():
    model = checked(Parameters, SHIPPED, "params.yaml").model
    with pytest.raises(ValidationError, match="frozen"):
        model.max_depth = 9


def test_the_generator_is_not_given_a_file_in_silence():
    given = {"kind": "synthetic", "seed": 1, "history_rows": 10, "current_rows": 10}
    paths = {"history": "customers.csv", "current": "conf/source/none/current", "drift": "none"}
    with pytest.raises(ValidationError, match=r"reads no file, 'customers\.csv' neither; set"):
        SyntheticSource.model_validate(given | paths)


LOG = {
    "kind": "prediction_log", "history": "conf/source/none/history",
    "current": "conf/source/none/current", "months": 6, "current_days": 30,
}  # fmt: skip


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, None),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        (date(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_of_the_log_is_in_utc_if_it_names_no_zone(written, read):
    assert LogSource.model_validate(LOG | {"until": written}).until == read


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("until", "yesterday", "'yesterday' is no date in ISO 8601, such as 2026-01-31"),
        ("until", 2026, "2026 is no date in ISO 8601"),
        ("months", 0, "greater than or equal to 1"),
        ("current_days", 0.5, "integer"),
        ("history", "a.csv", r"source=prediction_log reads no file, 'a\.csv' neither"),
    ],
)
def test_a_log_is_not_read_of_a_time_that_is_none(key, value, message):
    with pytest.raises(ValidationError, match=message):
        LogSource.model_validate(LOG | {"until": None, key: value})


# search


@pytest.mark.parametrize("method", ["grid", "optuna"])
def test_a_space_is_read_as_it_is_written(method):
    found = checked(Parameters, SHIPPED | METHODS[method], "params.yaml").search
    assert found.method == method
    assert {name: [*values] for name, values in found.space.items()} == SPACE


@pytest.mark.parametrize("method", ["grid", "optuna"])
@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            {"max_dpeth": [3]},
            r"search\.space: no parameter 'max_dpeth' of the model \(did you mean 'max_depth'\?\); "
            r"there are n_estimators, max_depth, learning_rate, .*gamma\. Correct",
        ),
        ({"seed": [1]}, r"search\.space: no parameter 'seed' of the model; there are n_estimators"),
        ({"max_depth": [0, 3]}, r"search\.space\.max_depth: 0 is not allowed: .*or equal to 1\."),
        ({"max_depth": [3, 3.5]}, r"search\.space\.max_depth: 3\.5 is not allowed: .*integer"),
        ({"max_depth": [3, 17]}, r"search\.space\.max_depth: 17 is not allowed: .*equal to 16"),
        ({"n_estimators": [0]}, r"search\.space\.n_estimators: 0 is not allowed: .*equal to 1\."),
        ({"subsample": [0.5, 1.2]}, r"search\.space\.subsample: 1\.2 is not allowed: .*equal to 1"),
        ({"gamma": [-0.5, 0]}, r"search\.space\.gamma: -0\.5 is not allowed: .*or equal to 0"),
        (
            {"learning_rate": [0.3, 0.1]},
            r"search\.space: learning_rate: \[0\.3, 0\.1\] must rise from value to value",
        ),
        ({"gamma": [0.5, 0.5]}, r"search\.space: gamma: \[0\.5, 0\.5\] must rise"),
        ({"max_depth": []}, r"search\.space\.max_depth: \[\] is not allowed: .*at least 1 item"),
        ({"max_depth": 3}, r"search\.space\.max_depth: 3 is not allowed"),
        ({"max_depth": ["deep"]}, r"search\.space\.max_depth.*: 'deep' is not allowed: .*number"),
        (
            {"subsample": [True]},
            r"search\.space\.subsample.*: True is not allowed: it is no number",
        ),
        ({"subsample": [NAN]}, r"search\.space\.subsample.*: nan is not allowed: .*finite"),
        ({}, r"search\.space: \{\} is not allowed: .*at least 1 item"),
        (None, r"search\.space: None is not allowed"),
    ],
    ids=str,
)
def test_a_wrong_space_is_told_with_key_value_and_what_is_allowed(method, space, message):
    search = METHODS[method]["search"] | {"space": space}
    with pytest.raises(InvalidParameters, match=rf"^params\.yaml: (top level: )?{message}"):
        checked(Parameters, SHIPPED | {"search": search}, "params.yaml")


@pytest.mark.parametrize(
    ("method", "key", "allowed"),
    [
        ("none", "space", "folds, seed, scoring, method"),
        ("grid", "trials", "folds, seed, scoring, space, method"),
        ("fixed", "precision", "method, threshold"),
        ("f1", "threshold", "method"),
        ("recall", "threshold", "method, precision"),
    ],
)
def test_a_key_of_another_method_is_refused(method, key, allowed):
    ((group, given),) = METHODS[method].items()
    raw = SHIPPED | {group: given | {key: 0.5}}
    with pytest.raises(
        InvalidParameters,
        match=rf"params\.yaml: {group}: unknown key '{key}'.*; allowed are {allowed}\. Correct",
    ):
        checked(Parameters, raw, "params.yaml")


@pytest.mark.parametrize(
    ("group", "allowed"),
    [
        ("search", "'none', 'grid', 'optuna'"),
        ("decision", "'fixed', 'f1', 'profit', 'recall_at_precision'"),
    ],
)
def test_an_unknown_method_is_refused_with_those_there_are(group, allowed):
    raw = SHIPPED | {group: SHIPPED[group] | {"method": "random"}}
    with pytest.raises(
        InvalidParameters, match=rf"{group}: method 'random' is unknown; allowed are {allowed}\."
    ):
        checked(Parameters, raw, "params.yaml")
