"""Real runs in a real SQLite store: whole, once, and models that score as the scorer does."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pyarrow as pa
import pytest

from churn import mlflow_sender
from churn.errors import RunsMissing
from churn.mirror import ENVIRONMENT
from churn.scoring import Scorer
from churn.synthetic import draw
from churn.tables import arrow_type, to_arrow, to_columns
from churn.tracking import content, keep
from tests.evaluated import PARAMETERS, evaluated, small_bundle
from tests.small import TELCO

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own

# Runs elsewhere, with nothing but MLflow's address of the store and the name of the run.
READ = """
import json, sys
import mlflow, pandas as pd
uri, key, table, scores = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = mlflow.MlflowClient()
number = client.get_experiment_by_name("churn").experiment_id
(run,) = client.search_runs([number], f"tags.`churn.key` = '{key}'")
model = mlflow.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
frame = pd.read_parquet(table)
model.predict(frame[frame.columns[::-1]]).tofile(scores)
import churn
print(json.dumps({
    "params": run.data.params,
    "metrics": run.data.metrics,
    "tags": run.data.tags,
    "name": run.info.run_name,
    "status": run.info.status,
    "start": run.info.start_time,
    "report": [one.path for one in client.list_artifacts(run.info.run_id, "report")],
    "artifacts": run.info.artifact_uri,
    "bundle": client.download_artifacts(run.info.run_id, "bundle"),
    "code": churn.__file__,
    "requirements": mlflow.pyfunc.get_model_dependencies(f"runs:/{run.info.run_id}/model"),
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the pipeline runs."""
    return tmp_path_factory.mktemp("a repository")


@pytest.fixture(scope="module")
def store(folder):
    """A store that did not exist before, opened from the folder as the process does."""
    uri = "sqlite:///mlruns/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in {**ENVIRONMENT, "MLFLOW_TRACKING_URI": uri}.items():
            patch.setenv(name, value)
        yield mlflow_sender.opened(uri)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return evaluated(tmp_path_factory.mktemp("made"), "sqlite:///mlruns/mlflow.db")


@pytest.fixture(scope="module")
def sent(store, folder, run):
    """What `run.json` said of a run that is now in the store."""
    kept = keep(run, folder / "mlruns/unsent")
    said = json.loads((kept / "run.json").read_text())
    mlflow_sender.send(kept, store)
    assert not kept.exists()
    return said


def _rows(folder, query, *values):
    with closing(sqlite3.connect(folder / "mlruns/mlflow.db")) as database:
        rows = database.execute(query, values).fetchall()
        database.commit()
        return rows


def _runs(folder, key):
    return _rows(
        folder,
        "select status, lifecycle_stage from runs join tags using (run_uuid) "
        "where key = 'churn.key' and value = ? order by 2",
        key,
    )


# in the store


def test_whoever_reads_the_run_elsewhere_finds_everything_and_scores_to_the_bit(
    folder, run, sent, tmp_path
):
    drawn = draw(PARAMETERS.source, "current").columns
    stored = {name: to_arrow(drawn[name], arrow_type(c)) for name, c in TELCO.columns.items()}
    table = pa.table(stored)
    frame = table.to_pandas().assign(customer_id="C1", churn="Yes")
    frame.to_parquet(tmp_path / "customers.parquet")
    uri = f"sqlite:///{folder}/mlruns/mlflow.db"

    done = subprocess.run(
        [sys.executable, "-c", READ, uri, sent["key"], "customers.parquet", "scores"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = Scorer(small_bundle()).probabilities(to_columns(table, TELCO.columns))
    assert (tmp_path / "scores").read_bytes() == expected.tobytes()
    assert "/code/churn/" in found["code"]
    said = content(run)
    assert found["params"] == said["parameters"]
    assert found["metrics"] == said["metrics"] == {"n": 100, "f1": 0.5, "ceiling.roc_auc": 0.9}
    assert {**found["tags"], **said["tags"], "churn.key": said["key"]} == found["tags"]
    assert (found["name"], found["status"]) == (said["name"], "FINISHED")
    assert found["start"] == sent["evaluated_at"]
    assert found["report"] == ["report/evaluation.html", "report/plots"]
    for file in run.bundle.iterdir():
        assert (tmp_path / found["bundle"] / file.name).read_bytes() == file.read_bytes()
    assert found["artifacts"].startswith(f"{folder}/mlruns/artifacts/")


def test_the_same_run_is_logged_once(folder, store, run, sent):
    again = keep(run, folder / "mlruns/unsent")

    mlflow_sender.send(again, store)

    assert _runs(folder, sent["key"]) == [("FINISHED", "active")]
    assert not again.exists()


def test_a_run_whose_sender_was_cut_off_is_logged_anew(folder, store, run):
    cut_off = replace(run, metrics={"f1": 0.7})
    key = content(cut_off)["key"]
    mlflow_sender.send(keep(cut_off, folder / "mlruns/unsent"), store)
    _rows(folder, "update runs set status = 'RUNNING' where name like ?", f"% {key[:8]}")

    mlflow_sender.send(keep(cut_off, folder / "mlruns/unsent"), store)

    assert _runs(folder, key) == [("FINISHED", "active"), ("RUNNING", "deleted")]


def test_a_run_that_is_not_logged_stays_kept(folder, store, run):
    kept = keep(replace(run, metrics={"f1": 0.8}), folder / "mlruns/unsent")
    shutil.rmtree(kept / "code")

    with pytest.raises(Exception, match=r"mlflow_model\.py"):
        mlflow_sender.send(kept, store)

    assert kept.is_dir()
    shutil.rmtree(kept)


def test_a_run_that_another_process_has_sent_meanwhile_is_no_error(folder, store):
    mlflow_sender.send(folder / "mlruns/unsent/gone", store)


def test_all_that_is_written_is_below_mlruns(folder, sent):
    assert [path.name for path in folder.iterdir()] == ["mlruns"]
    assert {path.name for path in (folder / "mlruns").iterdir()} == {
        "mlflow.db",
        "artifacts",
        "unsent",
    }


# stores that cannot be opened


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"no database", "file is not a database"),
        (b"SQLite format 3\x00" + bytes(5000), "file is not a database|malformed"),
    ],
)
def test_a_file_that_is_no_database_is_refused_at_once(tmp_path, content, match):
    (tmp_path / "runs.db").write_bytes(content)

    with pytest.raises(sqlite3.DatabaseError, match=match):
        mlflow_sender.opened(f"sqlite:///{tmp_path}/runs.db")


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(uri):
    with pytest.raises(ValueError, match="keeps nothing; name a file"):
        mlflow_sender.opened(uri)


# reasons


def test_the_reason_is_the_root_of_the_chain_on_one_line():
    def fail():
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as error:
            raise RuntimeError("many\nlines of retries") from error

    with pytest.raises(RuntimeError) as caught:
        fail()

    assert mlflow_sender.reason(caught.value) == "Connection refused"


def test_the_reason_of_a_mistake_of_our_own_names_its_kind():
    assert mlflow_sender.reason(KeyError("run_id")) == "KeyError: 'run_id'"
    assert mlflow_sender.reason(FileNotFoundError(2, "No such file", "a.html")) == (
        "No such file: a.html"
    )
    assert len(mlflow_sender.reason(ValueError("long " * 1000))) < 400


def test_versions_are_registered_once_and_an_alias_moves(store, sent):
    # Given a run of one bundle, when it is registered twice, and a version without a run besides,
    sha256 = small_bundle().sha256
    wanted = {"experiment": "churn", "versions": {"v1.0.0": sha256}, "stages": {"prod": "v1.0.0"}}
    mlflow_sender.register(wanted, store)
    both = {"v1.0.0": sha256, "v1.1.0": sha256, "v1.2.0": "0" * 64}
    with pytest.raises(RunsMissing, match=r"no run of v1.2.0, which dvc repro"):
        mlflow_sender.register({**wanted, "versions": both, "stages": {"prod": "v1.1.0"}}, store)
    # then each has one number, the alias is where it was last put, on a run of that bundle.
    known = store.client.search_model_versions("name = 'churn'")
    assert sorted(one.tags["version"] for one in known) == ["v1.0.0", "v1.1.0"]
    served = store.client.get_model_version_by_alias("churn", "prod")
    assert served.tags == {"version": "v1.1.0", "bundle_sha256": sha256}
    run = store.client.get_run(served.run_id)
    assert run.data.tags["churn.bundle_sha256"] == sha256
