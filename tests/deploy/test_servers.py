"""Drift from end to end: two real servers, one of them started again, and a real Prometheus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from churn.columns import take
from churn.drift import psi
from tests.deploy.running import Prometheus, prometheus
from tests.deploy.test_dashboards import CHOICES, EMPTY, QUERIES, filled
from tests.serve.conftest import Customers, Model, Serving, customers, other, serving, telco
from tests.serve.running import Running
from tests.waiting import PATIENCE, until

__all__ = ["customers", "other", "serving", "telco"]

COUNTERS = "churn_feature_bin_total"
SCORE = "churn_probability"


def expected(model: Model, given: Customers, rows: np.ndarray) -> dict[str, float]:
    """PSI of each column and of the score, of the given rows."""
    columns = dict(take(given.columns, rows))
    columns[SCORE] = model.scorer.probabilities(columns)
    return {
        name: psi(np.array(bins.ratios), bins.count(columns[name]) / len(rows))
        for name, bins in model.scorer.bundle.reference.bins.items()
    }


def counted(prometheus_: Prometheus) -> float:
    """Customers whom the servers have counted since Prometheus has known them."""
    return prometheus_.value(f'sum({COUNTERS}{{feature="{SCORE}"}})') or 0.0


def instant(prometheus_: Prometheus) -> dict[str, float]:
    """PSI by feature of the counters themselves, by the rule's arithmetic over all servers."""
    shares = (
        f"(sum by (model_version, feature, bin) ({COUNTERS})"
        f" / on (model_version, feature) group_left ()"
        f" sum by (model_version, feature) ({COUNTERS}))"
    )
    reference = "max by (model_version, feature, bin) (churn_feature_reference_ratio)"
    a, b = f"clamp_min({shares}, 0.0001)", f"clamp_min({reference}, 0.0001)"
    return by_feature(prometheus_, f"sum by (feature) (({a} - {b}) * ln({a} / {b}))")


def by_feature(prometheus_: Prometheus, expression: str) -> dict[str, float]:
    found = prometheus_.query(expression)
    return {one["metric"]["feature"]: float(one["value"][1]) for one in found}


@pytest.fixture
def two(serving: Serving, telco: Model) -> Iterator[tuple[Running, Running]]:
    return serving(telco, processes=1), serving(telco, processes=1)


def test_prometheus_computes_the_psi_of_the_library_over_servers_and_restarts(
    two: tuple[Running, Running],
    serving: Serving,
    telco: Model,
    customers: Customers,
    tmp_path: Path,
):
    first, second = two
    targets = [f"127.0.0.1:{one.port}" for one in two]
    # The older half, so that something has moved.
    rows = np.argsort(customers.columns["age"], kind="stable")[300:]
    requests = [customers.requests[i] for i in rows]

    # What `increase` extrapolates is a part of the interval, which the window outgrows.
    with prometheus(tmp_path / "prometheus", targets, every="400ms") as found:
        # Every bin is there as 0 before anything is counted, or its first rows are no increase.
        bins = sum(len(one.labels) for one in telco.scorer.bundle.reference.bins.values())
        all_there = lambda: found.value(f"count({COUNTERS})") == 2 * bins  # noqa: E731
        until(all_there, "every bin of both servers")
        first.post("/predict/batch", requests[:200])
        second.post("/predict/batch", requests[200:])
        until(lambda: counted(found) == 300, "300 customers")
        at_once = instant(found)
        # Another process in the place of one that has counted: its counters begin at 0.
        first.restart()
        until(lambda: counted(found) == 100, "the second server's 100 customers")
        # While the first was away there were 100, too: its zeros must have been seen, or what it
        # counts next looks like what it had counted before.
        until(all_there, "every bin of both servers again")
        first.post("/predict/batch", requests[:200])
        until(lambda: counted(found) == 300, "300 customers again")
        twice = expected(telco, customers, np.concatenate([rows[:200], rows]))
        close = pytest.approx(twice, rel=0.01, abs=1e-6)
        met = lambda: by_feature(found, "churn:feature_psi:increase1d") == close  # noqa: E731
        # The busier the machine, the longer the interval that the window has to outgrow.
        until(met, "PSI to 1 %", 4 * PATIENCE)

    for name, value in expected(telco, customers, rows).items():
        assert at_once[name] == pytest.approx(value, rel=1e-6, abs=1e-6)


def measured(folder: Path, model: Model) -> None:
    """Reports of the model, as the pipeline writes them beside it."""
    names = ("accuracy", "precision", "recall", "f1", "roc_auc")
    metrics = {"n": 100, "churners": 20, **dict.fromkeys(names, 0.5)}
    details = {
        "bundle_sha256": model.scorer.bundle.sha256,
        "intervals": dict.fromkeys(names, (0.4, 0.6)),
    }
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "evaluation.json").write_text(json.dumps(details))


def test_every_query_of_the_dashboards_has_something_to_show_of_a_real_server(
    serving: Serving, telco: Model, other: Model, customers: Customers, tmp_path: Path
):
    measured(tmp_path / "server-0" / "reports", telco)
    challenger = {"model": str(other.folder), "mode": "shadow", "share": 1.0, "salt": "x"}
    server = serving(telco, challenger=challenger)
    choices = {**CHOICES, "$model_version": telco.version}
    requests = customers.some(300).requests

    with prometheus(tmp_path / "prometheus", [f"127.0.0.1:{server.port}"]) as found:
        until(lambda: found.query(COUNTERS), "the first scrape")
        server.post("/predict/batch", requests)
        for one in requests[:20]:
            server.post("/predict", one)
        server.post("/predict", {**requests[0], "age": -1})
        at = datetime.now(UTC).isoformat()
        outcomes = [
            {"customer_id": one["customer_id"], "churned": i % 3 == 0, "observed_at": at}
            for i, one in enumerate(requests)
        ]
        assert server.post("/feedback", outcomes).json["recorded"] == len(outcomes)
        for name, query in QUERIES:
            if name not in EMPTY:
                until(lambda it=query: found.query(filled(it, choices)), name)
