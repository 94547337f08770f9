"""The manifests and a real server: probes, metrics, the autoscaler's rate, what was measured."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.checkout import ROOT
from tests.deploy.manifests import one, pod, size
from tests.deploy.running import program, read_yaml
from tests.ports import free_port
from tests.serve.conftest import Customers, Model, Serving, customers, serving, telco
from tests.serve.running import Running
from tests.waiting import until

__all__ = ["customers", "serving", "telco"]

KEY = "0123456789abcdef"
# What the operator puts on every series itself, unless told otherwise.
TARGET_LABELS = {"namespace", "service", "pod", "container", "endpoint"}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
ADAPTER = ROOT / "deploy/kubernetes/components/request-rate/prometheus-adapter.yaml"
[RULE] = read_yaml(ADAPTER)["rules"]["custom"]
SERVER = pod("churn")
[SERVING] = SERVER.containers


def relabellings() -> list[dict[str, str]]:
    [endpoint] = one("ServiceMonitor")["spec"]["endpoints"]
    return endpoint["relabelings"]


@pytest.fixture
def running(
    serving: Serving, telco: Model, customers: Customers, tmp_path: Path
) -> tuple[Running, int]:
    """A server with the variables of the manifests and one prediction; the port of its metrics."""
    keys, port = tmp_path / "api_keys", free_port()
    keys.write_text(f"crm:{KEY}")
    own = {"METRICS_PORT": str(port), "CHURN_API_KEYS_FILE": str(keys)}
    server = serving(telco, environment=own)
    until(lambda: ask(port, "/ready").ok, "ready")
    assert server.post("/predict", customers.requests[0], X_API_Key=KEY).status == 200
    return server, port


def ask(port: int, path: str) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)


def test_probes_and_scrapes_find_what_they_ask_for(running: tuple[Running, int]):
    server, port = running
    [scraped] = one("ServiceMonitor")["spec"]["endpoints"]
    for path in {scraped["path"], *(SERVING[probe]["httpGet"]["path"] for probe in PROBES)}:
        assert ask(port, path).status_code == 200
        assert server.get(path).status == 404, "callers reach it, too"

    text = ask(port, scraped["path"]).text

    # No label of ours is one that the operator gives to series, which would rename ours.
    ours = set(re.findall(r'[{,](\w+)="', text))
    dropped = {r["regex"] for r in relabellings() if r["action"] == "labeldrop"}
    assert ours & TARGET_LABELS == dropped == {"endpoint"}
    # The counter that the autoscaler's metric is made of.
    counter = RULE["seriesQuery"].partition("{")[0]
    assert re.search(rf'^{counter}{{endpoint="/predict",status="200"}} 1', text, re.MULTILINE)


def bench(name: str) -> Any:
    return json.loads((ROOT / f"reports/bench/{name}.json").read_text())


def test_the_service_label_is_what_alertmanager_knows_us_by():
    [label] = [r for r in relabellings() if r.get("targetLabel") == "service"]
    inhibited = (ROOT / "deploy/alertmanager/alertmanager.yml").read_text()
    assert f'service="{label["replacement"]}"' in inhibited


def test_the_autoscalers_metric_is_the_rate_of_one_replica(tmp_path: Path):
    # Given two replicas with 20 and 40 requests a second, over two paths each,
    metrics = one("HorizontalPodAutoscaler")["spec"]["metrics"]
    [asked] = [m["pods"] for m in metrics if m["type"] == "Pods"]
    assert asked["metric"]["name"] == RULE["name"]["as"]
    name = RULE["seriesQuery"].partition("{")[0]
    given = [
        {
            "series": f'{name}{{job="churn",namespace="churn",pod="churn-{i}",endpoint="{path}"}}',
            "values": f"0+{150 * (i + 1)}x20",
        }
        for i in range(2)
        for path in ("/predict", "/predict/batch")
    ]
    # when the adapter asks for both, as its template says,
    query = RULE["metricsQuery"]
    for word, value in {
        "<<.Series>>": name,
        "<<.LabelMatchers>>": 'namespace="churn",pod=~"churn-0|churn-1"',
        "<<.GroupBy>>": "pod",
    }.items():
        query = query.replace(word, value)
    # then each has its own.
    expected = [{"labels": f'{{pod="churn-{i}"}}', "value": 20 * (i + 1)} for i in range(2)]
    test = {
        "interval": "15s",
        "input_series": given,
        "promql_expr_test": [{"expr": query, "eval_time": "5m", "exp_samples": expected}],
    }
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"rule_files": [], "evaluation_interval": "15s", "tests": [test]}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_replica_comes_while_the_others_can_still_answer():
    metrics = one("HorizontalPodAutoscaler")["spec"]["metrics"]
    [rate] = [m["pods"]["target"]["averageValue"] for m in metrics if m["type"] == "Pods"]
    taken = bench("serve")["servers"]["ours"]["closed"]["16"]["cpu_ms_per_request"]
    cores = int(SERVING["resources"]["requests"]["cpu"])
    assert int(rate) * taken / 1000 < 0.6 * cores


def test_memory_is_asked_for_that_was_measured():
    loaded = bench("serve")["servers"]["ours"]["megabytes"]["loaded"] * 10**6
    assert size(SERVING["resources"]["requests"]["memory"]) > 1.3 * loaded
    [tmp] = [v["emptyDir"] for v in SERVER.spec["volumes"] if v["name"] == "tmp"]
    # A second model and the buffers of the log, beside what lies in memory as files.
    assert size(SERVING["resources"]["limits"]["memory"]) > 2 * loaded + size(tmp["sizeLimit"])
