"""make train-spark: what README.md shows, on this machine and on a cluster."""

from __future__ import annotations

import json
import shlex
import sys

import pyarrow.parquet as pq
import pytest

from tests.checkout import Checkout
from tests.readme import COMMANDS

pytestmark = pytest.mark.spark
TRAIN = next(one for one in COMMANDS if one.startswith("make train-spark "))
SCORE = next(one for one in COMMANDS if "MODEL=trained/model" in one)


def test_the_page_trains_a_model_that_scores_and_so_does_a_cluster(
    checkout: Checkout, cluster: str
):
    # On one machine, a model that `make score` takes. Folds change no trees but their own.
    checkout.change_params(lambda given: given["search"].update(folds=2))
    said = checkout.run(*shlex.split(TRAIN))
    assert said.rstrip().endswith("Model    trained/model")
    trained = checkout.folder / "trained"
    # Not by make, which would take this environment for one without Spark, and mend it.
    variables = shlex.split(SCORE.removeprefix("make score"))
    assert "customers by" in checkout.run(
        "env", *variables, sys.executable, "-m", "pipelines.score"
    )
    for name in ("rows", "validation"):
        own = json.loads((trained / f"{name}.json").read_text())
        local = json.loads((checkout.folder / f"reports/{name}.json").read_text())
        assert own["history"] == local["history"]
    features = pq.read_table(trained / "features/train")
    model = (trained / "model/model.ubj").read_bytes()
    # With one worker they are the trees of make repro.
    assert model == (checkout.folder / "models/churn/model.ubj").read_bytes()
    # On a cluster that has the libraries and not our code.
    given = {"SPARK_MASTER": cluster, "PYSPARK_PYTHON": sys.executable, "WORKERS": "1"}
    variables = [f"{name}={value}" for name, value in given.items()]
    checkout.run("env", *variables, *shlex.split(TRAIN), "FORCE=1")
    assert pq.read_table(trained / "features/train").equals(features)
    assert (trained / "model/model.ubj").read_bytes() == model
