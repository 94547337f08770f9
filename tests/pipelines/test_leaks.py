"""Planted leaks, from the customer's file to the report: each is caught, and none after mending."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn.bundle import Bundle
from churn.contract import Contract
from churn.errors import MissingColumn
from churn.scoring import Scorer
from churn.settings import PLACEHOLDERS, FileSource, Parameters, TrackingSettings
from tests.html import assert_self_contained
from tests.small import small_parameters

STAGES = ("load", "validate", "clean", "featurize", "train", "evaluate", "drift")
PLANTED = ("refund", "exit_survey", "called_back")
COLUMNS: dict[str, dict[str, Any]] = {
    "age": {"type": "integer", "min": 18, "max": 100},
    "usage": {"type": "number", "unit": "GB", "bands": [50]},
    "plan": {"type": "category", "values": ["Basic", "Gold"]},
    "refund": {"type": "number", "unit": "EUR"},
    "exit_survey": {"type": "category"},
    "called_back": {"type": "boolean"},
}


def honest(rows: int, seed: int = 0) -> pd.DataFrame:
    """Customers of whom every second one with little usage leaves, and few others."""
    rng = np.random.default_rng(seed)
    usage = rng.random(rows) * 100
    return pd.DataFrame(
        {
            "id": [f"c{seed}-{i:04d}" for i in range(rows)],
            "left": np.where(rng.random(rows) < np.where(usage < 40, 0.5, 0.1), "Yes", "No"),
            "age": rng.integers(18, 90, rows),
            "usage": usage,
            "plan": rng.choice(["Basic", "Gold"], rows),
        }
    )


def leaky(rows: int) -> pd.DataFrame:
    """The same with a leak of each kind: three columns, and one customer in ten there twice."""
    rng, table = np.random.default_rng(1), honest(rows)
    left = table["left"] == "Yes"
    table["refund"] = np.where(left, 50 + 50 * rng.random(rows), 60 * rng.random(rows))
    table["exit_survey"] = np.where(left, rng.choice(["price", "service"], rows), None)
    table["called_back"] = np.where(left | (rng.random(rows) < 0.5), "Yes", "No")
    again = table[::10].assign(id=lambda some: some["id"] + "-again")
    return pd.concat([table, again])


@dataclass(frozen=True)
class Built:
    """A folder in which the whole pipeline has run."""

    folder: Path
    contract: Contract

    def read(self, name: str) -> Any:
        return json.loads((self.folder / "reports" / name).read_text())

    @property
    def page(self) -> str:
        return (self.folder / "reports/evaluation.html").read_text()

    @property
    def scorer(self) -> Scorer:
        return Scorer(Bundle.load(self.folder / "models/churn"))


def parameters(columns: dict[str, dict[str, Any]], source: FileSource) -> Parameters:
    given = small_parameters(1, n_estimators=20)
    target = {"column": "left", "positive": "Yes", "negative": "No"}
    table = {"name": "planted", "id": "id", "target": target, "columns": columns}
    changed = {
        "table": Contract.model_validate(table),
        "source": source,
        "evaluate": given.evaluate.model_copy(update={"resamples": 100}),
        # No store of that name: MLflow, which takes seconds, is not started.
        "tracking": TrackingSettings(uri="none", experiment="churn"),
    }
    return given.model_copy(update=changed)


def built(folder: Path, given: Parameters) -> Built:
    """Run every stage in a folder, as dvc.yaml does, but in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for stage in STAGES:
            getattr(importlib.import_module(f"pipelines.{stage}"), stage)(given)
    return Built(folder, given.table)


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built from a CSV file with a leak of each kind, of which the contract says nothing."""
    folder = tmp_path_factory.mktemp("spoilt")
    leaky(600).to_csv(folder / "history.csv", index=False)
    source = FileSource(kind="csv", history="history.csv", current=PLACEHOLDERS[1])
    return built(folder, parameters(COLUMNS, source))


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built from Parquet files, each customer there once, the contract saying what comes later.

    Of the recent customers nobody knows these columns yet.
    """
    folder = tmp_path_factory.mktemp("mended")
    leaky(600).drop_duplicates("usage").to_parquet(folder / "history.parquet", index=False)
    honest(200, seed=1).drop(columns="left").to_parquet(folder / "current.parquet", index=False)
    later = {name: {**COLUMNS[name], "after_event": True} for name in PLANTED}
    source = FileSource(kind="parquet", history="history.parquet", current="current.parquet")
    return built(folder, parameters({**COLUMNS, **later}, source))


# not mended


def test_every_kind_of_leak_is_an_alarm(spoilt: Built):
    found = {(alarm["kind"], alarm["feature"]) for alarm in spoilt.read("evaluation.json")["leaks"]}

    assert found == {
        ("single_feature", "refund"),
        ("single_feature", "exit_survey"),
        ("missing_for_one_class", "exit_survey"),
        ("constant_for_one_class", "called_back"),
        ("identical_rows", None),
    }


def test_every_alarm_stands_on_the_page_before_the_figures_that_are_too_good(spoilt: Built):
    messages = [alarm["message"] for alarm in spoilt.read("evaluation.json")["leaks"]]

    assert spoilt.read("metrics.json")["roc_auc"] > 0.98
    assert "Do not trust these figures yet: 5 signs of a leak." in spoilt.page
    figures = spoilt.page.index("of all churners are found")
    assert all(spoilt.page.index(f"<li>{message}</li>") < figures for message in messages)
    assert "exit_survey is missing for all " in spoilt.page
    assert "called_back, where known, is 1 for all " in spoilt.page
    assert "test customers (" in spoilt.page


# mended


def test_once_the_contract_says_what_comes_later_nothing_is_an_alarm(mended: Built):
    assert mended.read("evaluation.json")["leaks"] == []
    assert mended.read("metrics.json")["roc_auc"] < 0.85
    assert "No sign of a leak" in mended.page
    known_later = ", ".join(f"<code>{name}</code>" for name in PLANTED)
    assert f"Known only after the event, and therefore no feature: {known_later}." in mended.page
    assert_self_contained(mended.page)


def test_what_comes_later_reaches_neither_the_model_nor_drift_nor_the_slices(mended: Built):
    manifest = mended.scorer.bundle.manifest

    assert {one.name for one in manifest.preprocessor.inputs} == {"age", "usage", "plan"}
    assert {*mended.scorer.bundle.reference.bins} == {"age", "usage", "plan", "churn_probability"}
    assert {*mended.read("drift.json")["drift"]} == {"age", "usage", "plan", "churn_probability"}
    details = mended.read("evaluation.json")
    assert {one["column"] for one in details["slices"]} == {"usage", "plan"}
    assert {one["input"] for one in details["importance"]["inputs"]} == {"age", "usage", "plan"}
    assert manifest.contract.known_columns == ("age", "usage", "plan")


def test_what_comes_later_changes_no_prediction(mended: Built):
    customer = {
        "age": np.array([40.0]),
        "usage": np.array([12.5]),
        "plan": np.array(["Gold"], dtype=object),
    }
    score = mended.scorer.probabilities(customer)

    for refund in (0.0, 99.0, np.nan):
        later = {"refund": np.array([refund]), "exit_survey": np.array(["price"], dtype=object)}
        assert mended.scorer.probabilities({**customer, **later}).tolist() == score.tolist()


def test_recent_customers_without_it_are_all_scored(mended: Built):
    assert mended.read("rows.json")["current"]["rows_out"] == 200
    assert mended.read("drift.json")["rows"] == 200


def test_a_history_without_it_is_refused(tmp_path: Path):
    honest(600).to_csv(tmp_path / "history.csv", index=False)
    columns = {"age": COLUMNS["age"], "refund": {"type": "number", "after_event": True}}
    source = FileSource(kind="csv", history="history.csv", current=PLACEHOLDERS[1])

    with pytest.raises(MissingColumn, match=r"history\.csv: column missing: refund"):
        built(tmp_path, parameters(columns, source))
