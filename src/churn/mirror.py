"""The way of a run to MLflow: kept first, then sent by a process of its own.

MLflow takes seconds to import and minutes to give a server up, so it lives in a process that works
beside its caller, has a time limit, and can be killed without harm (`churn.mlflow_sender`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, entry_points
from pathlib import Path

from churn.errors import ChurnError, NotRegistered, RunNotKept, RunsNotSent
from churn.settings import TrackingSettings
from churn.tracking import PACKAGE, UNSENT, Run, keep, kept_runs, redacted, shown
from churn.wording import did_you_mean, listed

# With keeping the run and ending the process, a server that is away costs less than 10 s.
SERVER_SECONDS = 8.0
# SQLite is local work; the limit is for a disk that hangs.
FILE_SECONDS = 60.0
SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql", "databricks")
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    # A run that fails is kept, which is better than waiting.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class Mirror:
    """The MLflow store of the settings.

    Creating it starts the process, which opens the store while the caller goes on; it ends by
    itself when its caller does. Paths, such as that of SQLite, are relative to the repository.
    """

    def __init__(self, settings: TrackingSettings) -> None:
        self._uri, self._experiment = settings.uri, settings.experiment
        # DVC runs queued experiments in checkouts that it deletes, and names the repository here.
        self._home = Path(os.environ.get("DVC_ROOT", "."))
        self._unknown = _unknown_scheme(settings.uri)
        self._process = None if self._unknown else _started(settings.uri, self._home)

    def record(self, run: Run) -> ChurnError | None:
        """Keep an evaluated model and send it, within 10 s where the store is a server.

        Returns:
            what to warn of: the store did not take the run, or it could not be kept.
        """
        try:
            kept = keep(run, self._home / UNSENT)
        except PackageNotFoundError as error:
            self._end()
            return RunNotKept(UNSENT, f"the environment lacks the package {error.name}")
        except OSError as error:
            self._end()
            return RunNotKept(error.filename or UNSENT, str(error.strerror or error))
        is_file = self._uri.startswith("sqlite")
        _, problem = self._send([kept], FILE_SECONDS if is_file else SERVER_SECONDS)
        return problem

    def send_kept(self) -> tuple[int, ChurnError | None]:
        """Send every run that is kept, however long it takes: how many went, and the problem."""
        return self._send(kept_runs(self._home / UNSENT), None)

    def register(self, versions: Mapping[str, str], stages: Mapping[str, str]) -> ChurnError | None:
        """Have the registry know versions and stages, within 10 s.

        Args:
            versions: SHA-256 of the bundle by version.
            stages: the version by stage, whose name becomes its alias.
        Returns:
            what to warn of: the store did not take it, or has no run of a version.
        """
        wanted = {"experiment": self._experiment, "versions": versions, "stages": stages}
        (why,) = self._answers([json.dumps(wanted)], SERVER_SECONDS)
        return NotRegistered(shown(self._uri), redacted(why, self._uri)) if why else None

    def _send(self, kept: Sequence[Path], seconds: float | None) -> tuple[int, ChurnError | None]:
        asked = [json.dumps(str(folder)) for folder in kept]
        reasons = [why for why in self._answers(asked, seconds) if why is not None]
        sent = len(kept) - len(reasons)
        if not reasons:
            return sent, None
        why = redacted("; ".join(dict.fromkeys(reasons)), self._uri)
        return sent, RunsNotSent(shown(self._uri), why, len(reasons))

    def _answers(self, asked: Sequence[str], seconds: float | None) -> list[str | None]:
        """For each line that the sender is asked, None where it was done, else the reason."""
        if self._process is None:
            return [self._unknown for _ in asked]
        lines = "".join(f"{line}\n" for line in asked)
        try:
            output, complaints = self._process.communicate(lines, seconds)
        except subprocess.TimeoutExpired:
            self._end()
            return [f"no answer within {seconds:g} s" for _ in asked]
        answers = [_answer(line) for line in output.splitlines()][: len(asked)]
        last_words = complaints.strip().rpartition("\n")[2] or "no reason given"
        died = f"the sender ended with status {self._process.returncode}: {last_words}"
        return answers + [died] * (len(asked) - len(answers))

    def _end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.communicate()


def _answer(line: str) -> str | None:
    """Of the sender; a line cut off, or of somebody else's, is a reason too."""
    try:
        said = json.loads(line)
    except ValueError:
        said = f"the sender answered {line!r}"
    return said if said is None else str(said)


def _started(uri: str, folder: Path) -> subprocess.Popen[str]:
    # The address may hold a password, so it is no argument, which every user of a machine can see.
    path = os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": path, "MLFLOW_TRACKING_URI": uri}
    return subprocess.Popen(
        [sys.executable, "-m", "churn.mlflow_sender"],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _unknown_scheme(uri: str) -> str | None:
    scheme = uri.partition(":")[0].partition("+")[0]
    known = [*SCHEMES, *(one.name for one in entry_points(group="mlflow.tracking_store"))]
    if scheme in known:
        return None
    return (
        f"tracking.uri begins with no scheme of a store{did_you_mean(scheme, known)}; "
        f"there are {listed(known)}"
    )
