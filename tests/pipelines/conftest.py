"""What the tests of whole processes share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.waiting import until

DEPLOY = "org.apache.spark.deploy"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """Address of a master with one worker: two more processes, which know nothing of this code."""
    import pyspark

    program, port = Path(pyspark.__file__).parent / "bin/spark-class", free_port()
    address, here = f"spark://127.0.0.1:{port}", ["--host", "127.0.0.1", "--webui-port", "0"]
    master = [f"{DEPLOY}.master.Master", *here, "--port", str(port)]
    worker = [f"{DEPLOY}.worker.Worker", *here, "-c", "2", "-m", "1g", "-d", str(tmp_path), address]
    with ExitStack() as stack:
        log = stack.enter_context((tmp_path / "log").open("wb"))
        for command in (master, worker):
            process = subprocess.Popen([program, *command], cwd="/", stdout=log, stderr=log)
            stack.enter_context(process)
            stack.callback(process.kill)
        until(lambda: b"Registering worker" in (tmp_path / "log").read_bytes(), "a worker", 120)
        yield address
