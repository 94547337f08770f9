"""`make mlflow [PORT=5000]`: MLflow's own pages over the runs, on 127.0.0.1."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path

from churn.errors import ChurnError
from churn.mirror import ENVIRONMENT
from churn.params import read_parameters
from churn.tracking import shown

PARAMS = Path("params.yaml")
# What users upload by way of the pages lands where the pipeline's own files do.
SERVER = "server --host 127.0.0.1 --workers 1 --artifacts-destination mlruns/artifacts --port"


def is_taken(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    """Become MLflow's server, or say why there is nothing to serve."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("port", nargs="?", type=int, default=5000)
    port = arguments.parse_args().port
    try:
        uri = read_parameters(PARAMS).tracking.uri
    except ChurnError as error:
        sys.exit(f"error: {error}")
    if uri.startswith("http"):
        print(f"The runs are on a server: {shown(uri)}")
        return
    database = Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if uri.startswith("sqlite") and not database.is_file():
        sys.exit(f"error: {database}: no run is logged yet. Log one with make repro.")
    if is_taken(port):
        sys.exit(f"error: port {port} is in use. Name another: make mlflow PORT={port + 1}")
    environment = {
        **os.environ,
        **ENVIRONMENT,
        # Workers for language models, which take a core each.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # No argument: it may hold a password, and arguments are seen by every user of a machine.
        "MLFLOW_BACKEND_STORE_URI": uri,
    }
    os.execvpe("mlflow", ["mlflow", *SERVER.split(), str(port)], environment)  # noqa: S606 - becomes the server


if __name__ == "__main__":
    main()
