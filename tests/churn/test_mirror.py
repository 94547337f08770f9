"""The way to MLflow: whatever is wrong with the store, the caller goes on and nothing is lost."""

import contextlib
import json
import socket
import sqlite3

import pytest

from churn import mirror
from churn.errors.tracking import NotRegistered, RunNotKept, RunsNotSent
from churn.mirror import Mirror
from churn.settings import TrackingSettings
from churn.tracking import content, kept_runs
from tests.evaluated import evaluated


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """An empty working directory, where no DVC runs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    return folder


@pytest.fixture
def record(tmp_path, repository):
    """Record a run at an address; the problem and the run."""

    def to(uri):
        run = evaluated(tmp_path, uri)
        return Mirror(run.parameters.tracking).record(run), run

    return to


def _assert_kept(problem, run, repository, match):
    assert isinstance(problem, RunsNotSent)
    assert match in str(problem)
    assert "\n" not in str(problem)
    assert "The run is kept in mlruns/unsent; once this is mended, make track sends" in str(problem)
    assert kept_runs(repository / "mlruns/unsent") == [
        repository / "mlruns/unsent" / content(run)["key"]
    ]


@pytest.fixture
def server():
    """A server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def closed_port():
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return f"127.0.0.1:{port}"


# stores that do not


def test_a_server_that_is_away_is_a_warning(record, repository, closed_port):
    problem, run = record(f"http://me:hunter2@{closed_port}/mlflow")

    told = f"MLflow at http://***@{closed_port}/mlflow: Connection refused. "
    _assert_kept(problem, run, repository, told)


def test_a_server_that_never_answers_is_given_up(record, repository, server, monkeypatch):
    assert mirror.SERVER_SECONDS < 10
    monkeypatch.setattr(mirror, "SERVER_SECONDS", 2.0)

    problem, run = record(f"http://me:hunter2@{server}")

    _assert_kept(problem, run, repository, f"http://***@{server}: no answer within 2 s.")


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("htps://me:hunter2@mlflow.example", "MLflow at htps://***@mlflow.example: tracking.uri"),
        ("htps://mlflow.example", "(did you mean 'https'?); there are sqlite, http, https"),
        ("mlruns", "MLflow at mlruns: tracking.uri begins with no scheme"),
        ("file:///srv/mlruns", "begins with no scheme of a store"),
    ],
)
def test_an_address_of_no_store_is_told_from_the_others(record, repository, uri, match):
    problem, run = record(uri)

    _assert_kept(problem, run, repository, match)
    assert "hunter2" not in str(problem)


def test_a_database_that_others_hold_is_a_warning(record, repository):
    with contextlib.closing(sqlite3.connect(repository / "runs.db")) as database:
        database.execute("BEGIN EXCLUSIVE")

        problem, run = record("sqlite:///runs.db")

    _assert_kept(
        problem, run, repository, "sqlite:///runs.db: OperationalError: database is locked"
    )


def test_a_database_where_none_can_be_written_is_a_warning(record, repository):
    (repository / "store").write_text("not a folder")

    problem, run = record("sqlite:///store/runs.db")

    _assert_kept(problem, run, repository, "MLflow at sqlite:///store/runs.db: File exists: ")


def test_a_queued_experiment_is_tracked_in_its_repository_not_in_its_own_checkout(
    record, repository, tmp_path, monkeypatch
):
    main = tmp_path / "main"
    main.mkdir()
    (main / "store").write_text("not a folder")
    monkeypatch.setenv("DVC_ROOT", str(main))

    problem, run = record("sqlite:///store/runs.db")

    _assert_kept(problem, run, main, f"File exists: {main}/store.")
    assert [*repository.iterdir()] == []


def test_a_sender_that_dies_is_a_warning_with_its_last_words(record, repository, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(repository))
    (repository / "mlflow.py").write_text("import os, sys\nsys.stderr.write('boom')\nos._exit(7)")

    problem, run = record("http://mlflow.example")

    _assert_kept(problem, run, repository, "the sender ended with status 7: boom.")


def test_where_a_run_cannot_even_be_kept_the_warning_says_how_to_get_it(record, repository):
    (repository / "mlruns").write_text("not a folder")

    problem, _ = record("sqlite:///runs.db")

    assert isinstance(problem, RunNotKept)
    assert str(problem).startswith("mlruns/unsent: Not a directory. The model is evaluated, but")
    assert "run dvc repro --force --single-item evaluate" in str(problem)


# what is kept


def test_each_run_that_is_kept_is_told_of_together(tmp_path, repository):
    for accuracy in (0.5, 0.6):
        run = evaluated(tmp_path, "mlruns", {"accuracy": accuracy})
        Mirror(run.parameters.tracking).record(run)

    sent, problem = Mirror(TrackingSettings(uri="mlruns", experiment="churn")).send_kept()

    assert sent == 0
    assert "2 runs are kept in mlruns/unsent" in str(problem)
    assert len(kept_runs(repository / "mlruns/unsent")) == 2


def test_what_is_kept_does_not_say_where_it_should_have_gone(record, repository):
    record("htps://me:hunter2@mlflow.example")

    (kept,) = kept_runs(repository / "mlruns/unsent")
    assert json.loads((kept / "run.json").read_text())["experiment"] == "churn"
    for file in kept.rglob("*"):
        assert file.is_dir() or b"hunter2" not in file.read_bytes()


def test_a_registry_that_is_away_is_a_warning(repository, closed_port, monkeypatch):
    # A busy machine takes longer to import MLflow.
    monkeypatch.setattr(mirror, "SERVER_SECONDS", 60.0)
    settings = TrackingSettings(uri=f"http://me:hunter2@{closed_port}", experiment="churn")

    problem = Mirror(settings).register({"v1.0.0": "0" * 64}, {"prod": "v1.0.0"})

    assert isinstance(problem, NotRegistered)
    assert str(problem) == (
        f"MLflow at http://***@{closed_port}: Connection refused. The git tags hold; once this is "
        "mended, make track tells MLflow of them."
    )


def test_a_registry_that_never_answers_is_given_up(repository, server, monkeypatch):
    monkeypatch.setattr(mirror, "SERVER_SECONDS", 2.0)
    settings = TrackingSettings(uri=f"http://{server}", experiment="churn")

    problem = Mirror(settings).register({"v1.0.0": "0" * 64}, {})

    assert "no answer within 2 s" in str(problem)
