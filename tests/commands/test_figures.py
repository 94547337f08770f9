"""The figures of the pages: what a table says of the benchmark's results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serve_table import table
from churn.files import write_json
from commands import costs
from commands.figures import models, pages, speed, written
from commands.figures.__main__ import main
from tests.checkout import ROOT
from tests.deploy.running import read_yaml, write_yaml

ONE = {"p50_ms": 0.312, "p95_ms": 0.5, "p99_ms": 0.9, "cpu_ms_per_request": 0.21}
MANY = {"p50_ms": 8.24, "p95_ms": 12.0, "p99_ms": 120.4, "cpu_ms_per_request": 0.12}
SINGLES = {"p50_ms": 1.2, "p95_ms": 4.5, "p99_ms": 6.7}


def server(rate: float, open_: dict[str, Any], batch: dict[str, int]) -> dict[str, Any]:
    return {
        "start_seconds": 1.94,
        "processes": 6,
        "megabytes": {"rest": 201.2, "loaded": 220.7},
        "closed": {
            "1": {"requests_per_second": 2500.0, **ONE},
            "64": {"requests_per_second": rate, **MANY},
        },
        "open": {"500": {"answered": 1.0, "cpu_ms_per_request": 0.2} | open_},
        "batch": {
            form: {"rows_per_second": {"1": rows - 1, "4": rows}, "singles_beside": SINGLES}
            for form, rows in batch.items()
        },
    }


BEHIND = {"answered": 0.55, "p50_ms": 2226.0, "p95_ms": None, "p99_ms": None}
RESULT = {
    "machine": {"cores": 2, "cores_taken_by_others": 0.04},
    "servers": {
        "ours": server(9876.5, ONE, {"rows": 123_456, "columns": 345_678}),
        "other": server(987.0, BEHIND, {}),
    },
    "ratios": {"other": {"1": 1.0, "64": 10.04}},
}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "BENCH", tmp_path)
    write_json(tmp_path / "serve.json", RESULT)


@pytest.mark.usefixtures("results")
def test_a_vcpu_answers_a_cores_share_of_what_was_measured_less_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(ROOT)
    write_json(tmp_path / "log.json", {"ratios": {"throughput": 0.9}})
    # 9,876.5 of two cores.
    assert "One vCPU is taken to answer 4,444 predictions" in " ".join(speed.clouds().split())


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with deploy/clouds.md and what its figures come from, in which the command works."""
    names = [pages.CLOUDS, costs.PRICES, *(written.BENCH / f"{n}.json" for n in ("serve", "log"))]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pages, "PAGES", {pages.CLOUDS: {"costs": speed.clouds}})
    return pages.CLOUDS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["figures", *arguments])
    main()


def test_another_price_makes_another_page(page: Path, monkeypatch: pytest.MonkeyPatch):
    run(monkeypatch, "--check")
    before = page.read_text()
    content = read_yaml(costs.PRICES)
    content["platforms"][1]["vcpu"] *= 2
    write_yaml(costs.PRICES, content)
    with pytest.raises(SystemExit, match=r"clouds\.md has other figures .* Run make figures"):
        run(monkeypatch, "--check")
    run(monkeypatch)
    run(monkeypatch, "--check")
    assert page.read_text() != before


def test_a_mistake_in_what_a_figure_comes_from_is_told(page: Path, monkeypatch: pytest.MonkeyPatch):
    costs.PRICES.write_text("{}")
    with pytest.raises(SystemExit, match=r"^error: deploy/prices\.yaml"):
        run(monkeypatch)


def test_a_page_without_a_place_says_so(page: Path, monkeypatch: pytest.MonkeyPatch):
    page.write_text("# Clouds\n")
    with pytest.raises(SystemExit, match=r"clouds\.md: there is no place for <!-- costs -->"):
        run(monkeypatch)


@pytest.mark.usefixtures("results")
def test_the_servers_stand_a_line_each():
    head, _, ours, other = speed.served().splitlines()
    assert ours == (
        "| ours | 0.31 | 9,876 | 8.2 / 120 | 0.31 / 0.90"
        " | 123,456 as rows, 345,678 as columns | 1.9 s | 221 MB |"
    )
    assert other == "| other | 0.31 | 987 | 8.2 / 120 | falls behind | none | 1.9 s | 221 MB |"
    assert head.count("|") == ours.count("|") == other.count("|")


def test_without_results_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(written, "BENCH", tmp_path)
    with pytest.raises(SystemExit, match=r"serve\.json: no such file\. Run make bench-serve"):
        speed.served()


def test_the_terminal_has_every_load_and_says_who_fell_behind():
    blocks = [block.splitlines() for block in table(RESULT).split("\n\n")]
    assert [block[0].split("  ")[0] for block in blocks] == [
        "others took 0.04 of 2 cores",
        "",
        "1 connection",
        "64 connections",
        "500 requests/s",
        "batches, rows/s",
    ]
    assert blocks[3][2].endswith("10.0 ×")
    assert blocks[4][2].split() == ["other", "55.0%", "2226", "behind", "behind", "0.200"]
    assert [line.split("  ")[0] for line in blocks[5][1:]] == ["ours, rows", "ours, columns"]


def test_false_alarms_stand_a_line_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(written, "BENCH", tmp_path)
    rates = {"ours": 0.007, "psi_alone": 0.278, "evidently": 0.85}
    result = {
        "evidently": "1.2.3",
        "draws": {"without_shift": {"ours": 1000, "evidently": 40}},
        "called_moved": {"no shift": {"200": rates, "1000": {**rates, "ours": 0.0}}},
    }
    write_json(tmp_path / "drift.json", result)

    head, _, ours, alone, other = models.drifted().splitlines()

    assert head == "| anything called moved by | 200 customers | 1,000 customers |"
    assert ours == "| ours, of 1,000 draws | 0.7% | 0.0% |"
    assert alone == "| PSI alone, from 0.1, of 1,000 | 27.8% | 27.8% |"
    assert other == "| Evidently 1.2.3, column drift, of 40 | 85.0% | 85.0% |"
