"""make kubernetes: rules become the operator's object, and slips in manifests are told."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from churn.errors import InvalidManifests, NotRendered
from commands import kubernetes
from tests.checkout import ROOT

MADE = "components/monitoring/rules.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of deploy/kubernetes, in which the command works."""
    copy = tmp_path / "deploy/kubernetes"
    shutil.copytree(ROOT / "deploy/kubernetes", copy)
    shutil.copytree(ROOT / "deploy/prometheus", tmp_path / "deploy/prometheus")
    monkeypatch.chdir(tmp_path)
    return copy


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["kubernetes", *arguments])
    kubernetes.main()


def test_what_is_committed_is_what_the_sources_make(folder: Path, monkeypatch: pytest.MonkeyPatch):
    before = (folder / MADE).read_bytes()
    run(monkeypatch, "--check")
    run(monkeypatch)
    assert (folder / MADE).read_bytes() == before


def test_a_rule_that_was_changed_must_be_made_anew(folder: Path, monkeypatch: pytest.MonkeyPatch):
    change(Path("deploy/prometheus/rules/alerts.yml"), "for: 5m", "for: 6m")
    with pytest.raises(SystemExit, match=r"rules\.yaml is not what .* Run make kubernetes"):
        run(monkeypatch, "--check")
    run(monkeypatch)
    run(monkeypatch, "--check")


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (
            "base/server.yaml",
            "minReadySeconds",
            "minReadySecond",
            r"StatefulSet churn, spec: .*'minReadySecond' was unexpected",
        ),
        (
            "base/autoscaling.yaml",
            "maxReplicas: 12",
            "maxReplicas: twelve",
            r"HorizontalPodAutoscaler churn, spec/maxReplicas: 'twelve' is not of type",
        ),
        (
            "components/monitoring/servicemonitor.yaml",
            "jobLabel",
            "jobLable",
            r"ServiceMonitor churn, spec: .*'jobLable' was unexpected",
        ),
        (
            MADE,
            "record: churn:requests:rate5m",
            "recrod: churn:requests:rate5m",
            r"PrometheusRule churn, spec/groups/\d+/rules/0: ",
        ),
    ],
)
def test_a_slip_is_told_with_its_place(folder: Path, path: str, old: str, new: str, told: str):
    change(folder / path, old, new)
    with pytest.raises(InvalidManifests, match=told):
        kubernetes.check(kubernetes.FOLDER / "overlays/production")


def test_an_older_kubernetes_must_take_it_too(folder: Path):
    # Given a field that the newest version has, and the oldest has not,
    change(
        folder / "base/server.yaml", "      automount", "      hostnameOverride: a\n      automount"
    )
    with pytest.raises(InvalidManifests, match=r"'hostnameOverride' was unexpected"):
        kubernetes.check(kubernetes.FOLDER / "base")


def test_a_folder_that_cannot_be_rendered_says_why(folder: Path):
    (folder / "base/network.yaml").unlink()
    with pytest.raises(NotRendered, match=r"base cannot be rendered: .*network\.yaml"):
        kubernetes.rendered(kubernetes.FOLDER / "base")
