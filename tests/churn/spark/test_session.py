"""A session: what is missing is told in one line, before anything is started."""

from __future__ import annotations

import importlib.util
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from churn.errors import NoJava, NoPySpark, NoSpark
from churn.spark.session import master_of, session
from tests.ports import free_port


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="PySpark is there")
def test_without_pyspark_it_is_told_how_to_get_it():
    with pytest.raises(NoPySpark, match="make score ENGINE=spark"), session({}):
        pass


def test_a_master_is_this_machine_or_named():
    assert re.fullmatch(r"local\[\d+\]", master_of({}))
    assert master_of({"SPARK_MASTER": " yarn "}) == "yarn"
    # What spark-submit has started has a master.
    assert master_of({"PYSPARK_GATEWAY_PORT": "1"}) == ""
    with pytest.raises(NoSpark, match=r"SPARK_MASTER=localhost:7077: .*spark://host:7077"):
        master_of({"SPARK_MASTER": "localhost:7077"})


def test_java_that_is_missing_or_too_old_is_told(tmp_path: Path):
    java = tmp_path / "bin/java"
    given = {"JAVA_HOME": str(tmp_path)}
    with pytest.raises(NoJava, match=r"Java 17 or later, and there is none at .*openjdk-17"):
        master_of(given)
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    with pytest.raises(NoJava, match=r"bin/java is version 11\."):
        master_of(given)


def test_a_cluster_that_is_not_there_is_told_at_once():
    master = f"spark://127.0.0.1:{free_port()}"
    with pytest.raises(NoSpark, match=f"SPARK_MASTER={master}: no .*: nobody answers there"):
        master_of({"SPARK_MASTER": master})
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = f"spark://127.0.0.1:{free_port()},127.0.0.1:{server.getsockname()[1]}"
        assert master_of({"SPARK_MASTER": one}) == one


@pytest.mark.spark
def test_times_are_those_of_utc_and_names_keep_their_capitals(spark: Any):
    moment = "timestamp '2026-06-01 00:00:00' = to_timestamp('2026-06-01T00:00:00Z')"
    (row,) = spark.sql(f"SELECT {moment}, struct(1 AS a, 2 AS A).A").collect()

    assert [*row] == [True, 2]
