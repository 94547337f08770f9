"""make score ENGINE=spark: what README.md shows, on this machine and on a cluster, and killed."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.processes import descendants
from tests.checkout import Checkout
from tests.readme import COMMANDS
from tests.waiting import until

pytestmark = pytest.mark.spark
COMMAND = next(one for one in COMMANDS if one.startswith("make score ENGINE=spark "))


def said(checkout: Checkout, command: str, **variables: str) -> str:
    """What a command says, without the addresses."""
    given = [f"{name}={value}" for name, value in variables.items()]
    text = checkout.run("env", *given, *shlex.split(command))
    return re.sub(r"\S+\.parquet", "PLACE", text)


def scores(path: Path) -> list[dict[str, object]]:
    """Scores in the order of the ids, of which one may stand there twice."""
    table = pq.read_table(path, columns=["customer_id", "churn_probability"])
    return sorted(table.to_pylist(), key=lambda row: (*row.values(),))


def test_the_page_and_a_cluster_say_what_the_local_engine_says(checkout: Checkout, cluster: str):
    place = checkout.folder / "predictions/on_spark.parquet"
    # Not by make, which would take this environment for one without Spark, and mend it.
    local = COMMAND.replace("make score ENGINE=spark", "env")
    expected = said(checkout, f"{local} {sys.executable} -m pipelines.score")
    assert place.is_file()
    told = scores(place)
    place.unlink()
    place.with_name("on_spark.quarantine.parquet").unlink()

    for given in ({}, {"SPARK_MASTER": cluster, "PYSPARK_PYTHON": sys.executable}):
        assert said(checkout, f"{COMMAND} FORCE=1", **given) == expected
        assert place.is_dir()
        assert scores(place) == told


@pytest.fixture
def many(reproduced: Checkout, tmp_path: Path) -> Path:
    """Customers enough to be killed among them."""
    table = pq.read_table(reproduced.folder / "data/raw/current.parquet")
    path = tmp_path / "in/many.parquet"
    path.parent.mkdir()
    with pq.ParquetWriter(path, table.schema) as writer:
        for part in range(500):
            ids = pa.array([f"{part}-{i}" for i in range(table.num_rows)])
            writer.write_table(table.set_column(0, "customer_id", ids))
    return path


@pytest.mark.parametrize("victim", ["java", "pyspark.daemon"])
def test_what_is_killed_leaves_no_scores_and_is_done_again(
    reproduced: Checkout, many: Path, tmp_path: Path, victim: str
):
    output = tmp_path / "out/scores.parquet"
    given = {"ENGINE": "spark", "INPUT": str(many), "OUTPUT": str(output)}
    command = [sys.executable, "-m", "pipelines.score"]
    with subprocess.Popen(
        command,
        cwd=reproduced.folder,
        env=os.environ | given,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        # Workers are forked from a daemon that Java starts, and have its name.
        until(lambda: len(of_name(run.pid, "pyspark.daemon")) > 1, "work", 240)
        for pid in of_name(run.pid, victim):
            os.kill(pid, signal.SIGKILL)
        _, text = run.communicate()

    assert run.returncode == 1
    told = text.splitlines()[-1]
    assert told.startswith("error: ")
    assert ("its Java process has ended" in told) == (victim == "java")
    assert "Traceback" not in text
    assert not output.exists()

    subprocess.run(
        command, cwd=reproduced.folder, env=os.environ | given | {"FORCE": "1"}, check=True
    )
    rows = pq.read_metadata(many).num_rows
    aside = pq.read_table(output.with_name("scores.quarantine.parquet")).num_rows
    ids = {one["customer_id"] for one in scores(output)}
    assert len(ids) == len(scores(output)) == rows - aside
    assert sorted(one.name for one in output.parent.iterdir()) == [
        "scores.parquet",
        "scores.quarantine.parquet",
    ]


def of_name(pid: int, name: str) -> list[int]:
    """Processes that descend from one and have a word in their command."""

    def command(one: int) -> str:
        try:
            return Path(f"/proc/{one}/cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    return [one for one in descendants(pid)[1:] if name in command(one)]
