"""Becomes MLflow's server; the password of its database is read from a file."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url

# What is uploaded passes through the server: callers need no rights to the volume.
ARTIFACTS = "/var/lib/mlflow/artifacts"
SERVER = f"server --host=0.0.0.0 --port=5000 --workers=1 --artifacts-destination={ARTIFACTS}"

password = Path(os.environ["MLFLOW_DATABASE_PASSWORD_FILE"]).read_text("utf-8").strip()
address = make_url(os.environ["MLFLOW_DATABASE_URL"]).set(
    drivername="postgresql+psycopg", password=password
)
environment = {
    **os.environ,
    # No argument: arguments are seen by every process.
    "MLFLOW_BACKEND_STORE_URI": address.render_as_string(hide_password=False),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Workers for language models, which take a core each.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "HOME": "/tmp",  # noqa: S108 - the one place that can be written
}
os.execvpe("mlflow", ["mlflow", *SERVER.split()], environment)  # noqa: S606 - becomes the server
