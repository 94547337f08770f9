"""`make compose`: a mistake in conf/ is told in one line, before DVC starts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.checkout import Checkout


def compose(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    return checkout.attempt(sys.executable, "-m", "commands.compose", *arguments)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["source=csv"], ["incoming/history.csv: no such file", "source.history"]),
        (["tabel=mobile"], ["conf/", "tabel"]),
        (["model.max_dept=4"], ["conf/", "max_dept"]),
        (["model.max_depth=0"], ["model.max_depth: 0 is not allowed"]),
        (["source.history=customers.csv"], ["source=synthetic reads no file", "set source=csv"]),
    ],
    ids=["missing file", "unknown group", "unknown key", "out of range", "file without csv"],
)
def test_a_mistake_is_one_line(checkout: Checkout, overrides, words):
    done = compose(checkout, *overrides)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize(
    "content", ["max_depth: 3: x\n", "a: 1\na: 2\n", "a: {b: 1\n", "a: \udcff"]
)
def test_a_file_that_is_no_yaml_is_one_line(checkout: Checkout, content: str):
    broken = checkout.folder / "conf/model/xgboost.yaml"
    broken.write_text(content, encoding="utf-8", errors="surrogateescape")
    done = compose(checkout)
    assert done.returncode == 1
    assert done.stderr.startswith("error: conf/: ")
    assert done.stderr.count("\n") == 1


def test_the_check_writes_nothing(checkout: Checkout):
    params = checkout.folder / "params.yaml"
    assert compose(checkout, "--check").returncode == 0
    params.write_text(params.read_text() + "\n")
    before = params.read_bytes()
    done = compose(checkout, "--check")
    assert done.returncode == 1
    assert "Run make compose" in done.stderr
    assert params.read_bytes() == before


def test_the_bytes_are_those_that_dvc_writes(checkout: Checkout):
    override = "split.salt=other"
    compose(checkout, override)
    ours = (checkout.folder / "params.yaml").read_bytes()
    checkout.run("git", "checkout", "-q", "params.yaml")
    checkout.run("dvc", "exp", "run", "-q", "-S", override, "load")
    assert (checkout.folder / "params.yaml").read_bytes() == ours
