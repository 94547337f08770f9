"""What the tests of Spark share: one session on two cores, and a job on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from churn.batch.run import Summary
from tests.churn.batch import conftest as batch
from tests.serve.models import SETTINGS

Score = Callable[..., Summary]
models, score = batch.models, batch.score


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session, its tables in a folder of the tests' own."""
    from churn.spark.session import session

    with pytest.MonkeyPatch.context() as patch:
        # Spark's own way for settings that are nobody else's.
        folder = tmp_path_factory.mktemp("warehouse")
        settings = f"--conf spark.sql.warehouse.dir={folder} --conf spark.sql.shuffle.partitions=2"
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{settings} pyspark-shell")
        with session({"SPARK_MASTER": "local[2]"}) as made:
            yield made


@pytest.fixture
def on_spark(spark: Any, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Score:
    """Does a job on Spark, in a folder of the test's own."""
    from churn.spark.job import spark_job
    from churn.spark.run import run

    monkeypatch.chdir(tmp_path)

    def done(**variables: object) -> Summary:
        given = {name: str(value) for name, value in variables.items()}
        for name in ("INPUT", "OUTPUT"):
            # The JVM was started in another folder.
            if not given[name].startswith(("/", "table:")):
                given[name] = f"{tmp_path}/{given[name]}"
        return run(spark_job({"MODEL": str(models / "telco"), **given}), SETTINGS, {})

    return done


@pytest.fixture(scope="module")
def training_processes(spark: Any) -> Iterator[None]:
    """Python workers that have not scored: those keep out what training needs."""
    from churn.spark.learning import own_processes

    with own_processes(spark):
        yield
