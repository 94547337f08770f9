"""make score: what README.md shows, and a process that is killed, stopped, and gone on with."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from churn.bundle import Bundle
from churn.scoring import Scorer
from churn.tables import to_columns
from tests.checkout import Checkout
from tests.readme import BLOCKS, COMMANDS
from tests.waiting import until

SHOWN = next(text for _, text in BLOCKS if text.startswith("Scored "))
COMMAND = next(one for one in COMMANDS if one.startswith("make score "))
PARTS = 24


def shape(text: str) -> str:
    """A text without what depends on customers and model."""
    return re.sub(r"\b\d[\d,]*\b", "N", re.sub(r"\b[0-9a-f]{12}\b", "HASH", text))


def test_what_the_page_shows_is_what_is_said(checkout: Checkout):
    said = checkout.run(*shlex.split(COMMAND))

    assert shape(said) == shape(SHOWN)
    # A customer that is good in every way has the pipeline's own probability.
    scores = pq.read_table(checkout.folder / "predictions/scores.parquet").to_pylist()
    clean = pq.read_table(checkout.folder / "data/clean/current.parquet")
    scorer = Scorer(Bundle.load(checkout.folder / "models/churn"))
    columns = to_columns(clean, scorer.bundle.manifest.contract.known_columns)
    expected = dict(
        zip(clean["customer_id"].to_pylist(), scorer.probabilities(columns), strict=True)
    )
    found = {one["customer_id"]: one["churn_probability"] for one in scores}
    assert found == expected


def test_who_watches_sees_how_fast_it_goes_and_what_is_left(reproduced: Checkout, tmp_path: Path):
    source = "data/raw/current.parquet"
    given = {"INPUT": source, "OUTPUT": str(tmp_path / "scores.parquet"), "FORCE": "1"}
    command = [sys.executable, "-m", "pipelines.score"]
    terminal, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    environment = {**os.environ, **given}
    unwatched = subprocess.run(
        command, cwd=reproduced.folder, env=environment, capture_output=True, text=True, check=True
    )
    subprocess.run(command, cwd=reproduced.folder, env=environment, stderr=theirs, check=True)
    os.close(theirs)
    said = os.read(terminal, 100_000).decode()
    os.close(terminal)

    rows = pq.read_metadata(reproduced.folder / source).num_rows
    shown = rf"score: 100%.* {rows}/{rows} \[\d\d:\d\d<\d\d:\d\d, .* rows/s\]"
    assert re.search(shown, said)
    assert unwatched.stderr == ""


@pytest.fixture
def parts(reproduced: Checkout, tmp_path: Path) -> Path:
    """Many files, so that there is something to be killed in."""
    table = pq.read_table(reproduced.folder / "data/raw/current.parquet")
    for i in range(PARTS):
        pq.write_table(table, tmp_path / f"part{i:02d}.parquet")
    return tmp_path


class Run:
    """make score's own process, in a checkout."""

    def __init__(self, checkout: Checkout, parts: Path, output: Path, **variables: str) -> None:
        given = {"INPUT": f"{parts}/part*.parquet", "OUTPUT": str(output), **variables}
        self._journal = output.with_name(f".{output.name}.unfinished") / "journal"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.score"],
            cwd=checkout.folder,
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self) -> int:
        """How much it has noted down."""
        return self._journal.read_bytes().count(b"\n") if self._journal.is_file() else 0

    def end(self) -> tuple[int, str]:
        """How it ended, and what it said on standard error."""
        _, said = self.process.communicate()
        return self.process.returncode, said


def test_a_process_that_is_killed_and_stopped_ends_as_if_it_had_not_been(
    reproduced: Checkout, parts: Path
):
    whole, output = parts / "whole.parquet", parts / "out.parquet"
    assert Run(reproduced, parts, whole, EXPLAIN="1").end() == (0, "")

    ends = []
    for kill in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        run = Run(reproduced, parts, output, EXPLAIN="1", RESUME="1")
        before = run.rows()
        until(lambda run=run, n=before: run.rows() > n or run.process.poll() is not None, "a piece")
        run.process.send_signal(kill)
        ends.append(run.end())
    assert not output.exists()
    assert Run(reproduced, parts, output, EXPLAIN="1").end()[1].startswith("error: OUTPUT=")
    assert Run(reproduced, parts, output, EXPLAIN="1", RESUME="1").end() == (0, "")

    assert ends == [
        (-signal.SIGKILL, ""),
        (1, "interrupted; RESUME=1 goes on\n"),
        (-signal.SIGKILL, ""),
    ]
    for name in ("{}.parquet", "{}.quarantine.parquet"):
        one, other = (parts / name.format(part) for part in ("whole", "out"))
        assert one.read_bytes() == other.read_bytes()
    assert not [one for one in parts.iterdir() if one.name.startswith(".")]


def test_a_mistake_is_one_line(reproduced: Checkout):
    done = reproduced.attempt("make", "--silent", "score", "INPUT=none.csv", "OUTPUT=o.csv")

    assert done.returncode == 2
    assert done.stderr.startswith("error: INPUT=none.csv: no such file.")
    assert len([one for one in done.stderr.splitlines() if "make" not in one]) == 1
