"""The rules: drift is that of the pipeline, and every alert can be understood and acted on."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from churn.drift import psi
from tests.deploy.running import DEPLOY, RULES, program, read_yaml, write_yaml

TESTS = sorted((DEPLOY / "prometheus/tests").glob("*.yml"))
RUNBOOK = (DEPLOY / "RUNBOOK.md").read_text()
ALERTS = [rule for group in read_yaml(RULES / "alerts.yml")["groups"] for rule in group["rules"]]
NAMES = sorted({rule["alert"] for rule in ALERTS})
FOUND = re.compile(r'Labels:{alertname="(\w+)".*\n.*summary="((?:[^"\\]|\\.)*)"')
GROUPS = [
    group["name"]
    for name in ("recording", "alerts")
    for group in read_yaml(RULES / f"{name}.yml")["groups"]
]
HOURS = 24 * 8
SERVERS = ("a", "b")


def promtool(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a file of promtool's unit tests."""
    command = [program("promtool"), "test", "rules", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def counted(random: np.random.Generator, bins: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Counters of one server by bin (hours + 1,), and rows by hour and bin; it restarts once."""
    typical = random.dirichlet(np.full(bins, 0.5)) * random.integers(1, 60)
    rows = random.poisson(typical, (HOURS, bins))
    restart = int(random.integers(1, HOURS))
    rows[restart] = 0  # seen once before it scores anybody
    since_restart = np.cumsum(rows[restart:], axis=0)
    counters = np.vstack([np.zeros((1, bins), int), np.cumsum(rows[:restart], 0), since_restart])
    return list(counters.T), rows


def series(name: str, values: Any, **labels: str) -> dict[str, str]:
    """An input series of promtool."""
    text = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{text}}}", "values": " ".join(repr(one) for one in values)}


def constant(name: str, value: float, **labels: str) -> dict[str, str]:
    """A series that never changes."""
    return series(name, [float(value)] * (HOURS + 1), **labels)


def one_feature(random: np.random.Generator, feature: str) -> list[dict[str, str]]:
    """Counters of two servers, the reference, and what PSI and chance are to be."""
    bins = int(random.integers(2, 13))
    reference = random.dirichlet(np.full(bins, 2.0))
    reference[-1] = 0  # none was missing in training
    reference /= reference.sum()
    total = np.zeros((HOURS, bins), int)
    found = []
    labels = {"model_version": "v1", "feature": feature}
    for server in SERVERS:
        counters, rows = counted(random, bins)
        total += rows
        for i, (values, share) in enumerate(zip(counters, reference, strict=True)):
            own = {**labels, "bin": f"over {i}", "instance": server, "job": "churn"}
            found.append(series("churn_feature_bin_total", values.tolist(), **own))
            found.append(constant("churn_feature_reference_ratio", share, **own))
    for window, hours in (("1d", 24), ("7d", 24 * 7)):
        rows_by_bin = total[-hours:].sum(axis=0)
        n = rows_by_bin.sum()
        found.append(constant(f"expected_{window}", psi(reference, rows_by_bin / n), **labels))
        chance = chi2.isf(0.001, bins - 1) / n
        found.append(constant(f"chance_{window}", chance, **labels))
    return found


def test_psi_is_that_of_the_pipeline_over_any_number_of_servers_and_restarts(tmp_path: Path):
    # Given hourly counters of thirty columns on two servers that restart,
    random = np.random.default_rng(20)
    features = [f"column {i}" for i in range(30)]
    given = [one for feature in features for one in one_feature(random, feature)]
    # when the rules are evaluated, then each PSI is the pipeline's, and chance is chi-square's.
    expected = [
        {"expr": expr, "eval_time": f"{HOURS}h", "exp_samples": [{"labels": "{}", "value": 30}]}
        for window in ("1d", "7d")
        for expr in (
            f"count(abs(churn:feature_psi:increase{window} - expected_{window}) < 1e-9)",
            f"count(abs(churn:feature_psi_chance:increase{window} / chance_{window} - 1) < 0.05)",
        )
    ]
    test = {"interval": "1h", "input_series": given, "promql_expr_test": expected}
    content = {
        "rule_files": [str(RULES / "recording.yml")],
        "evaluation_interval": f"{HOURS}h",
        "group_eval_order": [name for name in GROUPS if not name.endswith("alerts")],
        "tests": [test],
    }
    path = tmp_path / "test.yml"
    path.write_text(json.dumps(content))  # is YAML too, and written in a tenth of the time
    done = promtool(path)
    assert done.returncode == 0, done.stdout + done.stderr


def expectations(alert: str) -> list[bool]:
    """Of each look at an alert in promtool's tests: whether it fires."""
    looks = [
        look
        for path in TESTS
        for test in read_yaml(path)["tests"]
        for look in test["promql_expr_test"]
        if re.search(rf'alertname="{alert}"', f"{look['expr']} {look['exp_samples']}")
    ]
    return [bool(look["exp_samples"]) for look in looks]


@pytest.mark.parametrize("alert", NAMES)
def test_every_alert_is_tested_to_fire_to_keep_quiet_and_to_recover(alert: str):
    fires = expectations(alert)
    assert True in fires
    assert False in fires[: fires.index(True)]
    assert False in fires[fires.index(True) :]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtools_tests_evaluate_the_groups_in_the_order_of_the_files(path: Path):
    assert read_yaml(path)["group_eval_order"] == GROUPS


def test_every_alert_has_its_section_in_the_runbook_and_every_section_its_alert():
    assert sorted(re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)) == NAMES


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_links_to_its_section_and_says_its_severity_there(rule: dict[str, Any]):
    path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert (DEPLOY.parent / path).read_text() == RUNBOOK
    assert anchor == rule["alert"].lower()
    section = RUNBOOK.partition(f"## {rule['alert']}\n")[2].partition("\n## ")[0]
    assert section.lower().startswith(f"{rule['labels']['severity']}.")
    assert "- Look: " in section
    assert "- Do: " in section


def test_every_summary_has_its_number(tmp_path: Path):
    # Given promtool's own tests, each firing alert expected to be quiet,
    said = ""
    for path in TESTS:
        content = read_yaml(path)
        content["rule_files"] = [str(RULES / "recording.yml"), str(RULES / "alerts.yml")]
        for test in content["tests"]:
            test["alert_rule_test"] = [
                {"eval_time": look["eval_time"], "alertname": name, "exp_alerts": []}
                for look in test.pop("promql_expr_test")
                if look["exp_samples"]
                for name in NAMES
                if name in str(look["exp_samples"])
            ]
        # when promtool says what it found instead,
        said += promtool(write_yaml(tmp_path / path.name, content)).stderr
    # then every alert's summary was filled in.
    summaries = FOUND.findall(said)
    assert sorted({name for name, _ in summaries}) == NAMES
    for _, summary in summaries:
        assert re.search(r"\d", summary), summary
        assert not re.search(r"[<{}]|no value|%!|  | $", summary), summary
        assert "PSI" not in summary or re.search(r"PSI \d\.\d\d over (a day|7 days)$", summary)
