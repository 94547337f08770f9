"""The process that imports MLflow: logs kept runs to the store of `MLFLOW_TRACKING_URI`, and tells
its registry of versions and stages.

Started by `churn.mirror`. It opens the store, then reads from each line of its input, as JSON, the
folder of a kept run or what the registry should know, and answers each with a line: null, or why it
was not done.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn.atomic import write_whole
from churn.errors import ChurnError, RunsMissing
from churn.files import read_json
from churn.tracking import BUNDLE, CODE, CONTENT, KEY, PACKAGE, REPORT, redacted

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL = "model"
# Its name in the registry.
REGISTERED = "churn"
LOCK_SECONDS = 3.0
LONGEST_REASON = 300


@dataclass(frozen=True)
class Store:
    """An open store; `folder` is that of its database where this is an SQLite file."""

    client: MlflowClient
    folder: Path | None


def opened(uri: str) -> Store:
    """Connect to a store.

    A new SQLite database appears whole or not at all, and one that cannot be written is refused at
    once: MLflow would leave the first half-made and retry the second for two minutes.
    """
    database = _database(uri)
    if database:
        database.parent.mkdir(parents=True, exist_ok=True)
        with _locked(database.parent):
            if not database.exists():
                write_whole(database, lambda new: _connected(f"sqlite:///{new}"))
        _refuse_unwritable(database)
    return Store(_connected(uri), database and database.parent)


def send(kept: Path, store: Store) -> None:
    """Log a kept run unless it is in the store already, then remove it."""
    try:
        with _locked(kept), _alone(store):
            _log_once(kept, store)
            _remove(kept)
    except FileNotFoundError:
        # Gone altogether, it was sent by another process meanwhile.
        if kept.is_dir():
            raise


def register(wanted: dict[str, Any], store: Store) -> None:
    """Register versions that the registry lacks, and give stages as aliases.

    Args:
        wanted: `versions`, SHA-256 of the bundle by version; `stages`, the version by stage; the
            `experiment` that has the runs.
        store: to tell.
    Raises:
        RunsMissing: of some versions there is no run; the others are registered.
    """
    with _alone(store):
        numbers = {
            version: _registered(version, sha256, wanted["experiment"], store.client)
            for version, sha256 in wanted["versions"].items()
        }
        for stage, version in wanted["stages"].items():
            if number := numbers.get(version):
                store.client.set_registered_model_alias(REGISTERED, stage, number)
    if missing := [version for version, number in numbers.items() if number is None]:
        raise RunsMissing(missing)


def _registered(version: str, sha256: str, experiment: str, client: MlflowClient) -> str | None:
    """The number that MLflow has for a version; None if it has no run of its bundle."""
    import mlflow

    tags = {"version": version, "bundle_sha256": sha256}
    for one in client.search_model_versions(f"name = '{REGISTERED}'"):
        if {name: one.tags.get(name) for name in tags} == tags:
            return str(one.version)
    found = client.get_experiment_by_name(experiment)
    same = f"tags.`churn.bundle_sha256` = '{sha256}' and attributes.status = 'FINISHED'"
    runs = client.search_runs([found.experiment_id], same, max_results=1) if found else []
    if not runs:
        return None
    uri = f"runs:/{runs[0].info.run_id}/{MODEL}"
    made = mlflow.register_model(uri, REGISTERED, await_registration_for=0, tags=tags)
    return str(made.version)


def _log_once(kept: Path, store: Store) -> None:
    said, client = read_json(kept / CONTENT), store.client
    experiment = client.get_experiment_by_name(said["experiment"])
    location = str(store.folder / "artifacts") if store.folder else None
    number = (
        experiment.experiment_id
        if experiment
        else client.create_experiment(said["experiment"], location)
    )
    same = client.search_runs([number], f"tags.`{KEY}` = '{said['key']}'")
    if any(run.info.status == "FINISHED" for run in same):
        return
    for run in same:
        # Left by a sender that was cut off.
        client.delete_run(run.info.run_id)
    tags = {**said["tags"], KEY: said["key"]}
    run = client.create_run(number, said["evaluated_at"], tags, said["name"])
    _fill(run.info.run_id, said, kept)


def _fill(run_id: str, said: dict[str, Any], kept: Path) -> None:
    import mlflow

    with mlflow.start_run(run_id):
        mlflow.log_params(said["parameters"])
        mlflow.log_metrics(said["metrics"], step=0)
        mlflow.log_artifacts(str(kept / REPORT), REPORT)
        mlflow.log_artifacts(str(kept / BUNDLE), BUNDLE)
        code = kept / CODE / PACKAGE.name
        mlflow.pyfunc.log_model(
            name=MODEL,
            python_model=str(code / "mlflow_model.py"),
            artifacts={BUNDLE: str(kept / BUNDLE)},
            code_paths=[str(code)],
            pip_requirements=said["requirements"],
        )


def _remove(kept: Path) -> None:
    """First out of sight, so that a half-removed run is not taken for a kept one."""
    gone = kept.rename(kept.with_name(f".{kept.name}"))
    shutil.rmtree(gone)


def _connected(uri: str) -> MlflowClient:
    import mlflow.pyfunc

    client = mlflow.MlflowClient(uri)
    client.search_experiments(max_results=1)
    return client


def _database(uri: str) -> Path | None:
    if not uri.startswith("sqlite"):
        return None
    from sqlalchemy import make_url

    name = make_url(uri).database
    if name in {None, "", ":memory:"}:
        raise ValueError("SQLite in memory keeps nothing; name a file, as in sqlite:///a/file.db")
    return Path(str(name)).resolve()


def _refuse_unwritable(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database, timeout=LOCK_SECONDS)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("SELECT count(*) FROM sqlite_master")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time; the system takes the lock off a process that dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _alone(store: Store) -> contextlib.AbstractContextManager[None]:
    """One process at a time in a store that is a file; others look after themselves."""
    return _locked(store.folder) if store.folder else contextlib.nullcontext()


def reason(error: BaseException) -> str:
    """What went wrong at the root, on one line."""
    while cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        error = cause
    if isinstance(error, ChurnError):
        words = str(error)
    elif isinstance(error, OSError) and error.strerror:
        words = ": ".join(filter(None, [error.strerror, error.filename and str(error.filename)]))
    else:
        words = f"{type(error).__name__}: {error}"
    return " ".join(words.split())[:LONGEST_REASON].rstrip(": .")


def _attempt(action: Callable[..., object], *given: object) -> str | None:
    try:
        action(*given)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller warns of it
        return redacted(reason(error), os.environ["MLFLOW_TRACKING_URI"])
    return None


def _do(given: str | dict[str, Any], store: Store) -> None:
    if isinstance(given, str):
        send(Path(given), store)
    else:
        register(given, store)


def main() -> None:
    """Open the store, then do what the input says until it ends."""
    answers, stores = sys.stdout, list[Store]()
    # MLflow prints to the standard output.
    with contextlib.redirect_stdout(sys.stderr):
        # MLflow's import makes a million objects that all stay: looking for garbage takes 0.6 s.
        gc.disable()
        problem = _attempt(lambda: stores.append(opened(os.environ["MLFLOW_TRACKING_URI"])))
        gc.enable()
        for line in sys.stdin:
            given = json.loads(line)
            why = problem or _attempt(_do, given, stores[0])
            answers.write(f"{json.dumps(why)}\n")
    answers.flush()
    # All is written, and to take MLflow's modules apart takes 0.4 s.
    os._exit(0)


if __name__ == "__main__":
    main()
