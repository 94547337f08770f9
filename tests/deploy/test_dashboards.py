"""Dashboards: every query runs on a real Prometheus and has something to show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from churn.drift import psi
from tests.deploy import exposition
from tests.deploy.running import DEPLOY, RULES, Prometheus, prometheus, read_yaml
from tests.waiting import until

FILES = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
BOARDS = {path.stem: json.loads(path.read_text()) for path in FILES}
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"]]
SHOWN = [(name, panel) for name, panel in PANELS if panel["type"] != "row"]
# What stands for the choices of a reader.
CHOICES = {
    "${datasource}": "churn",
    "$__rate_interval": "1m",
    "$model_version": exposition.VERSION,
    "$feature": "age",
}
QUERIES = [
    (f"{name}: {panel['title']} {target['refId']}", target["expr"])
    for name, panel in SHOWN
    for target in panel["targets"]
]
# A young Prometheus has no yesterday, and no value is missing.
USUAL = "churn:predictions_usual:increase1h"
RECORDED = [
    rule["record"]
    for group in read_yaml(RULES / "recording.yml")["groups"]
    for rule in group["rules"]
    if rule["record"] != USUAL
]
FIRING = {"ModelOld", "DriftWarning", "DriftAlarm", "AccuracyDropped"}
EMPTY = {
    "model: Predictions against what is usual B",
    "drift: Missing and unseen values A",
}


def filled(text: str, choices: Mapping[str, str] = CHOICES) -> str:
    """A query with the variables of a dashboard replaced."""
    for variable, choice in choices.items():
        text = text.replace(variable, choice)
    return text


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with the committed rules, after two servers have scored 500 customers each."""
    start, later = exposition.page(since=False), exposition.page(since=True)
    with (
        exposition.serving(start) as one,
        exposition.serving(start) as two,
        prometheus(tmp_path_factory.mktemp("prometheus"), [one.target, two.target]) as running,
    ):
        for stand_in in (one, two):
            until(lambda it=stand_in: it.scrapes >= 2, "the start is scraped")
            stand_in.content = later
        until(lambda: settled(running), "all rows have come through the rules")
        yield running


def settled(running: Prometheus) -> bool:
    """Whether both servers' later pages have come through every rule and alert."""
    rows = [running.value(f"min(round(churn:feature_rows:increase{it}))") for it in ("1d", "7d")]
    recorded = all((one or 0) >= 1000 for one in rows) and all(map(running.query, RECORDED))
    return recorded and running.firing() >= FIRING


@pytest.mark.parametrize("board", BOARDS)
def test_every_query_has_something_to_show(watching: Prometheus, board: str):
    for name, query in QUERIES:
        if name.startswith(f"{board}: "):
            found = watching.query(filled(query))
            assert bool(found) == (name not in EMPTY), name
            assert all(one["value"][1] != "NaN" for one in found), name


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_and_annotation_has_something_to_choose(watching: Prometheus, name: str):
    variables = BOARDS[name]["templating"]["list"]
    for variable in variables:
        if variable["type"] == "query":
            call = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
            assert call, variable["definition"]
            found = watching.query(call[1])
            assert {one["metric"][call[2]] for one in found} >= {CHOICES[f"${variable['name']}"]}
    for annotation in BOARDS[name]["annotations"]["list"]:
        assert watching.query(annotation["expr"])


def test_psi_and_shares_are_those_of_the_rows(watching: Prometheus):
    reference, rows = zip(*exposition.BINS["age"].values(), strict=True)
    expected = psi(np.array(reference), np.array(rows) / sum(rows))
    for window in ("1d", "7d"):
        found = watching.value(f'churn:feature_psi:increase{window}{{feature="age"}}')
        assert found == pytest.approx(expected)
    assert watching.value("churn:predicted_churners:ratio_increase1d") == pytest.approx(0.3)
    assert watching.value("churn:accuracy:ratio_increase7d") == pytest.approx(270 / 400)


def test_alerts_fire_where_they_must_and_nowhere_else(watching: Prometheus):
    assert watching.firing() == FIRING


RUNBOOK = (DEPLOY / "RUNBOOK.md").read_text()
TOLD = [
    text
    for text in dict.fromkeys(re.findall(r"`([^`]+)`", re.sub(r"\s+", " ", RUNBOOK)))
    if re.search(r"\bchurn[_:]\w+|\bup\{", text) and "/" not in text and text not in exposition.BINS
]


def test_every_query_of_the_runbook_runs(watching: Prometheus):
    assert len(TOLD) > 20
    for query in TOLD:
        watching.query(query)
        for metric in re.findall(r"\bchurn[_:][\w:]+", query):
            assert watching.query(metric) or metric == USUAL, metric


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_whole(name: str):
    board = BOARDS[name]
    assert board["uid"] == f"churn-{name}"
    assert board["schemaVersion"] >= 39
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for one in board["panels"]:
        for other in board["panels"]:
            assert one is other or not overlap(one["gridPos"], other["gridPos"])


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Whether two places share a cell."""
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


@pytest.mark.parametrize("board", BOARDS)
def test_a_panel_says_what_it_shows(board: str):
    for panel in (one for name, one in SHOWN if name == board):
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for source in (panel["datasource"], *(one["datasource"] for one in panel["targets"])):
            assert source == {"type": "prometheus", "uid": "${datasource}"}
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"]
            assert all(one["legendFormat"] for one in panel["targets"])


def test_grafana_is_told_where_datasource_and_dashboards_are():
    folder = DEPLOY / "grafana/provisioning"
    source = read_yaml(folder / "datasources/prometheus.yml")["datasources"][0]
    assert source["type"] == "prometheus"
    interval = read_yaml(DEPLOY / "prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval
    path = read_yaml(folder / "dashboards/churn.yml")["providers"][0]["options"]["path"]
    assert f"`{path}/`" in (DEPLOY / "README.md").read_text()


def test_every_path_that_the_readme_names_is_there():
    for path in re.findall(r"^\| `([\w./]+)` \|", (DEPLOY / "README.md").read_text(), re.MULTILINE):
        assert path.startswith("/etc/") or (DEPLOY / Path(path)).exists(), path
