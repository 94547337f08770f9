"""README.md is true: its commands run, its files work, its figures are the reports' own."""

from __future__ import annotations

import re
import shlex

import pyarrow.parquet as pq
import pytest

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


def test_every_command_runs_in_the_order_of_the_page(checkout: Checkout):
    # Given the files that the page tells to write,
    files = [text for language, text in BLOCKS if language in ("yaml", "python")]
    assert len(files) == 2
    for text in files:
        name = text.splitlines()[0].removeprefix("# ")
        (checkout.folder / name).write_text(text)
    # when every command is run, then each succeeds.
    for command in COMMANDS:
        if command not in NOT_RUN:
            checkout.run(*shlex.split(command))
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


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)", README))))
def test_every_make_target_named_is_there(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.]+/)+[\w.]*)`", README))))
def test_every_path_named_is_there(reproduced: Checkout, path: str):
    users_own = ("conf/table/mobile.yaml", "incoming/")
    assert path.startswith(users_own) or (reproduced.folder / path).exists()
