"""README.md is true: its commands run, its files work, its figures are the reports' own."""

from __future__ import annotations

import math
import re
import shlex

import pyarrow.parquet as pq
import pytest

from commands.compose import parameters
from commands.figures import filled
from tests.checkout import ROOT, Checkout

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line.removeprefix("$ ")
    for language, text in BLOCKS
    if language == "console"
    for line in text.splitlines()
]
# `make test` would run this test; the environment is that of the tests already.
NOT_RUN = ("make test", "source .venv/bin/activate")
# The searches of the page, over spaces in which they take a moment.
SMALL_SEARCH = {"folds": 2, "space": {"max_depth": [1, 2], "n_estimators": [5, 10]}}
# Files that the page names and its reader makes.
OF_THE_READER = ("conf/table/mobile.yaml", "incoming/", "mlruns/")


def test_every_command_runs_in_the_order_of_the_page(checkout: Checkout):
    # Given the files that the page tells to write,
    files = {text.split()[1]: text for language, text in BLOCKS if language in ("yaml", "python")}
    assert [*files] == ["why.py", "conf/table/mobile.yaml", "src/churn/features/mobile.py"]
    for name, text in files.items():
        (checkout.folder / name).write_text(text)
    for search in ("grid", "optuna"):
        checkout.change_yaml(f"conf/search/{search}.yaml", lambda it: it.update(SMALL_SEARCH))
    # when every command is run, then each succeeds.
    said = {
        command: checkout.run(*shlex.split(command))
        for command in COMMANDS
        if command not in NOT_RUN
    }
    assert re.fullmatch(r"\d+%\n(\w+ is .+: [+-]\d\.\d\d\n){3}", said["python why.py"])
    # The last ones ran the page's own table; its feature can be added.
    assert '"rows_in": 600' in (checkout.folder / "reports/rows.json").read_text()
    checkout.change_params(lambda p: p["table"].update(features="churn.features.mobile"))
    assert checkout.stage("featurize").returncode == 0
    made = pq.read_schema(checkout.folder / "data/features/train.parquet")
    assert "complaints_per_month" in made.names


def test_the_sample_is_from_the_file():
    sample = next(text for language, text in BLOCKS if text.startswith("Customer No"))
    assert (ROOT / "examples/mobile.csv").read_text().startswith(sample)


def test_the_figures_are_those_of_the_reports(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert filled(README) == README


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([\w-]+)", README))))
def test_every_make_target_named_is_there(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.]+/)+[\w.]*)`", README))))
def test_every_path_named_is_there(reproduced: Checkout, path: str):
    assert path.startswith(OF_THE_READER) or (reproduced.folder / path).exists()


def test_every_group_of_parameters_stands_there_with_its_choices():
    listed = {
        group: set(re.findall(r"`(\w+)`", choices))
        for group, choices in re.findall(r"^\| `(\w+)` \| (`.*?) \|", README, re.MULTILINE)
    }
    folders = [path for path in (ROOT / "conf").iterdir() if path.is_dir()]
    choices = {folder.name: {path.stem for path in folder.glob("*.yaml")} for folder in folders}
    assert {group: listed[group] for group in choices} == choices


def test_the_grid_has_as_many_combinations_as_the_page_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    space = parameters(["search=grid"]).search.space
    assert f"`grid` tries all {math.prod(map(len, space.values()))} combinations" in README
