"""A model from the prediction log alone: what was served and what became of it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from churn.migrating import migrate
from churn.prediction_log import Feedback, PredictionLog
from churn.settings import PLACEHOLDERS, LogSource, Parameters, TrackingSettings
from churn.synthetic import draw
from tests.checkout import ROOT, Checkout
from tests.logged import prediction, sent
from tests.small import small_parameters

ROWS = 1500
UNTIL = datetime(2024, 7, 1, tzinfo=UTC)


@pytest.fixture
def served(tmp_path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a log of customers drawn from the generator, whose true outcomes are known."""
    address = f"sqlite:///{tmp_path}/log.db"
    migrate(address)
    drawn = draw(small_parameters(ROWS).source, "history")
    moments = [UNTIL - timedelta(minutes=100 * (ROWS - row)) for row in range(ROWS)]
    made = [
        prediction(drawn.ids[row], moments[row], values=sent(drawn.columns, row))
        for row in range(ROWS)
    ]
    told = [
        Feedback(drawn.ids[row], None, bool(drawn.churned[row]), moments[row])
        for row in range(ROWS - 100)
    ]
    with closing(PredictionLog.open(address)) as log:
        assert log.add(made) == ROWS
        assert {one.status for one in log.record(told)} == {"recorded"}
    monkeypatch.setenv("DATABASE_URL", address)
    monkeypatch.chdir(tmp_path)
    return address


def parameters(**changed: Any) -> Parameters:
    """Small parameters that read the log."""
    given = small_parameters(1, n_estimators=30)
    source = LogSource(
        kind="prediction_log",
        history=PLACEHOLDERS[0],
        current=PLACEHOLDERS[1],
        **{"months": 12, "current_days": 30, "until": UNTIL} | changed,
    )
    others = {
        "source": source,
        "evaluate": given.evaluate.model_copy(update={"resamples": 100}),
        # No store of that name: MLflow, which takes seconds, is not started.
        "tracking": TrackingSettings(uri="none", experiment="churn"),
    }
    return given.model_copy(update=others)


def run(stages: Sequence[str], given: Parameters) -> None:
    """Run stages in the working folder, as dvc.yaml does, but in this process."""
    for stage in stages:
        getattr(importlib.import_module(f"pipelines.{stage}"), stage)(given)


def read(name: str) -> Any:
    return json.loads(Path(name).read_text())


def test_a_model_comes_of_what_was_served(served: str):
    run(("load", "validate", "clean", "featurize", "train", "evaluate", "drift"), parameters())

    manifest, counted = read("data/raw/manifest.json"), read("reports/rows.json")["history"]
    assert manifest["history"]["model_versions"] == {"v1": ROWS - 100}
    assert (counted["rows_in"], counted["quarantined"]) == (ROWS - 100, 0)
    assert read("reports/metrics.json")["roc_auc"] > 0.7
    assert read("reports/drift.json")["rows"] == manifest["current"]["rows"] == 432


def test_a_moment_of_the_log_is_the_same_whenever_it_is_looked_at(served: str):
    taken = []
    for number in range(2):
        run(["load"], parameters())
        taken.append({path.name: path.read_bytes() for path in Path("data/raw").iterdir()})
        with closing(PredictionLog.open(served)) as log:
            log.add([prediction("CUST00000001", UNTIL + timedelta(days=number))])
    assert len(taken[0]) == 3
    assert taken[0] == taken[1]


def test_now_is_one_moment_for_both_parts(served: str):
    run(["load"], parameters(until=None, months=1200))

    manifest = read("data/raw/manifest.json")
    assert manifest["history"]["until"] == manifest["current"]["until"]
    assert manifest["history"]["until"] > UNTIL.isoformat()


def test_a_database_that_is_away_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://me:hunter2@127.0.0.1:9/churn")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = Checkout(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    chosen = YAML(typ="safe").load(ROOT / "conf/source/prediction_log.yaml")
    folder.change_params(lambda content: content.update(source=chosen))

    done = folder.stage("load")

    assert done.returncode == 1
    assert done.stderr.startswith("error: prediction log at postgresql://me:***@127.0.0.1:9/churn")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr
