"""Kept runs: whole, without secrets, and the same run only once."""

import json
import re
import sys
from dataclasses import replace
from importlib.metadata import version

import grimp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn import tracking
from churn.settings import FileSource, TrackingSettings
from churn.tracking import content, keep, kept_runs, redacted, shown
from tests.evaluated import evaluated, small_bundle


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return evaluated(tmp_path_factory.mktemp("made"), "sqlite:///mlruns/mlflow.db")


@pytest.fixture
def unsent(tmp_path):
    return tmp_path / "mlruns" / "unsent"


def _changed(run, **groups):
    return replace(run, parameters=run.parameters.model_copy(update=groups))


# what is logged


def test_parameters_have_the_names_of_params_yaml(run):
    found = content(run)["parameters"]

    assert found["model.max_depth"] == str(run.parameters.model.max_depth)
    assert found["table.name"] == "telco"
    assert found["validate.max_rejected"] == "0.05"
    assert found["evaluate.guard"] == "null"
    assert all(isinstance(value, str) for value in found.values())


def test_where_a_run_goes_and_what_the_bundle_tells_are_no_parameters(run):
    assert not [n for n in content(run)["parameters"] if n.startswith(("tracking", "table.col"))]


def test_every_number_among_the_metrics_is_logged_and_nothing_else(run):
    metrics = {
        "n": 9,
        "ceiling": {"f1": 0.5},
        "level": "ok",
        "leak": True,
        "bins": [1],
        "lift": 2.5,
    }

    assert content(replace(run, metrics=metrics))["metrics"] == {
        "n": 9,
        "ceiling.f1": 0.5,
        "lift": 2.5,
    }


slices = st.text(st.sampled_from("6<>/–%+&…(),é ."), min_size=1, max_size=6)


@given(names=st.lists(slices, unique=True, min_size=1))
def test_metrics_of_slices_get_names_that_mlflow_takes_and_stay_apart(run, names):
    found = content(replace(run, metrics={"by age": dict.fromkeys(names, 0.5)}))["metrics"]

    assert all(re.fullmatch(r"[\w.: -]+", name) for name in found)
    assert len(found) == len(names)


def test_tags_tie_a_run_to_its_bundle_its_data_and_its_parameters(run):
    tags, provenance = content(run)["tags"], small_bundle().manifest.provenance
    bundle = json.loads((run.bundle / "bundle.json").read_text())

    assert tags["churn.data_sha256"] == provenance.data_sha256
    assert tags["churn.parameters_sha256"] == provenance.parameters_sha256
    assert tags["churn.bundle_sha256"] == bundle["sha256"]


def test_the_key_is_that_of_the_content_not_of_time_and_place(run, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    assert content(evaluated(elsewhere, "http://other"))["key"] == content(run)["key"]


def test_another_model_or_result_has_another_key(run):
    other_model = run.parameters.model.model_copy(update={"seed": 7})
    others = [
        run,
        replace(run, metrics={**run.metrics, "f1": 0.6}),
        _changed(run, model=other_model),
        _changed(run, tracking=TrackingSettings(uri="sqlite:///a.db", experiment="another")),
    ]

    assert len({content(one)["key"] for one in others}) == len(others)


# what is kept


def test_a_kept_run_holds_all_that_its_model_needs(run, unsent):
    kept = keep(run, unsent)

    said = json.loads((kept / "run.json").read_text())
    assert {**said, **content(run)} == said
    assert (kept / "report/evaluation.html").read_bytes() == run.report[0].read_bytes()
    assert (kept / "report/plots/roc.csv").is_file()
    for file in run.bundle.iterdir():
        assert (kept / "bundle" / file.name).read_bytes() == file.read_bytes()
    assert (kept / "code/churn/mlflow_model.py").is_file()
    assert not [*kept.rglob("__pycache__")]
    assert f"xgboost-cpu=={version('xgboost-cpu')}" in said["requirements"]


def test_the_requirements_are_all_that_the_model_imports():
    graph = grimp.build_graph("churn", include_external_packages=True, cache_dir=None)
    used = {name.partition(".")[0] for name in graph.find_upstream_modules("churn.mlflow_model")}
    required = {name.removesuffix("-cpu") for name in tracking.REQUIRED}

    assert used - sys.stdlib_module_names - {"churn"} == required


def test_the_same_run_is_kept_once(run, unsent):
    assert keep(run, unsent) == keep(run, unsent)

    assert kept_runs(unsent) == [unsent / content(run)["key"]]


def test_a_run_is_kept_whole_or_not_at_all(run, unsent, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lost\.html"):
        keep(replace(run, report=(*run.report, tmp_path / "lost.html")), unsent)

    assert [*unsent.iterdir()] == []


def test_where_nothing_was_ever_kept_there_is_nothing_to_send(unsent):
    assert kept_runs(unsent) == []


# secrets


def test_no_password_is_kept(run, unsent):
    source = FileSource(
        kind="csv",
        history="https://me:hunter2@files.example/history.csv?token=hunter2",
        current="s3://key:hunter2@bucket/current.csv",
    )
    to = TrackingSettings(uri="https://me:hunter2@mlflow.example", experiment="churn")

    kept = keep(_changed(run, source=source, tracking=to), unsent)

    said = (kept / "run.json").read_text()
    assert "https://***@files.example/history.csv" in said
    for file in kept.rglob("*"):
        assert file.is_dir() or b"hunter2" not in file.read_bytes()


users = st.text("QXZ%!", min_size=1).map("QQ{}".format)
passwords = st.text("QXZ:@%!", min_size=1).map("ZZ{}ZZ".format)


@given(user=users, password=passwords)
def test_an_address_is_shown_and_quoted_without_its_password(user, password):
    uri = f"https://{user}:{password}@mlflow.example/base"

    assert shown(uri) == "https://***@mlflow.example/base"
    for text in (f"no answer from {uri}", f"{password} is wrong", f"{user}:{password}@host"):
        assert password not in redacted(text, uri)


@given(password=st.text("QXZ@?", min_size=1).map("ZZ{}ZZ".format))
def test_what_an_address_ends_with_is_not_shown_either(password):
    uri = f"postgresql://host/runs?user=me&password={password}"

    assert "ZZ" not in shown(uri) + redacted(f"no answer from {uri}", uri)


def test_a_password_is_found_in_its_plain_form_too():
    assert redacted("FATAL: p@ss refused", "postgresql://me:p%40ss@db/runs") == "FATAL: *** refused"


@pytest.mark.parametrize("uri", ["sqlite:///mlruns/mlflow.db", "https://mlflow.example", "mlruns"])
def test_an_address_without_secrets_is_shown_as_it_is(uri):
    assert shown(uri) == uri
    assert redacted(f"no {uri}: gone", uri) == f"no {uri}: gone"
