"""A snapshot takes its place when it is whole, and what was there before stays until then."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import files
from churn.errors import CannotWrite, EmptyInput
from churn.files import read_json, write_parquet, write_tables
from churn.snapshots import Snapshot, keep, unfinished_in
from churn.under_contract import row_number
from tests.checkout import ROOT

TABLE = pa.table({"customer": ["C1", "C2"], "age": ["1", None]})


def kept(folder: Path, *tables: pa.Table) -> None:
    """Take both parts, of the same customers."""
    with unfinished_in(folder) as unfinished:
        parts = {part: Snapshot(iter(tables), {"source": "x"}) for part in ("history", "current")}
        keep(parts, folder, unfinished)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_both_parts_and_what_they_are_get_their_places(tmp_path: Path):
    kept(tmp_path / "raw", TABLE, TABLE)

    names = ["current.parquet", "history.parquet", "manifest.json"]
    assert sorted(one.name for one in (tmp_path / "raw").iterdir()) == names
    assert pq.read_table(tmp_path / "raw/current.parquet").num_rows == 4
    assert read_json(tmp_path / "raw/manifest.json")["history"] == {
        "source": "x", "rows": 4, "columns": ["customer", "age"],
    }  # fmt: skip


def failing():
    yield TABLE
    raise EmptyInput("here")


def test_what_fails_in_the_second_part_leaves_the_first_as_it_was(tmp_path: Path):
    kept(tmp_path, TABLE)
    before = content(tmp_path)

    with pytest.raises(EmptyInput), unfinished_in(tmp_path) as unfinished:
        parts = {"history": Snapshot(iter([TABLE]), {}), "current": Snapshot(failing(), {})}
        keep(parts, tmp_path, unfinished)

    assert content(tmp_path) == before


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "raw").write_text("no folder")
    with pytest.raises(CannotWrite, match=r"raw: cannot be written: .*Make room"):
        kept(tmp_path / "raw", TABLE)


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path):
    kept(tmp_path, TABLE)
    before, limit = content(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    ages = pa.array([f"{n * 7919}" for n in range(5000)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limit[1]))
    try:
        with pytest.raises(CannotWrite, match="Make room"):
            kept(tmp_path, pa.table({"customer": ages, "age": ages}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert content(tmp_path) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from churn.snapshots import Snapshot, keep, unfinished_in
from tests.churn.test_snapshots import TABLE
def dying():
    yield TABLE
    os.kill(os.getpid(), signal.SIGKILL)
with unfinished_in(Path()) as unfinished:
    parts = {"history": Snapshot(iter([TABLE]), {}), "current": Snapshot(dying(), {})}
    keep(parts, Path(), unfinished)
"""


def test_what_a_killed_run_has_left_is_cleared_away_by_the_next(tmp_path: Path):
    kept(tmp_path, TABLE)
    before = content(tmp_path)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"}

    done = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=tmp_path, env=environment, check=False
    )

    assert done.returncode == -signal.SIGKILL
    left = content(tmp_path)
    assert left.items() > before.items()
    with unfinished_in(tmp_path):
        # One that is at work is not cleared away.
        kept(tmp_path, TABLE)
        assert len([*tmp_path.glob(".unfinished-*")]) == 1
    assert content(tmp_path) == before


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, 50), max_size=6), limit=st.integers(1, 60))
def test_a_stream_is_written_as_its_rows_are_however_they_come(tmp_path_factory, cuts, limit):
    folder = tmp_path_factory.mktemp("stream")
    table = pa.table({"a": [f"{n}" for n in range(50)], "b": pa.array([None] * 50, pa.string())})
    ends = [0, *sorted(cuts), 50]
    parts = [table.slice(a, b - a) for a, b in pairwise(ends)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "GROUP_ROWS", limit)
        write_tables(folder / "stream.parquet", parts)
        write_tables(folder / "whole.parquet", [table])
    write_parquet(folder / "plain.parquet", table)

    stream = (folder / "stream.parquet").read_bytes()
    assert stream == (folder / "whole.parquet").read_bytes()
    assert pq.read_table(folder / "stream.parquet").equals(table)
    groups = pq.read_metadata(folder / "stream.parquet").num_row_groups
    assert groups == -(-50 // limit)
    assert (stream == (folder / "plain.parquet").read_bytes()) == (groups == 1)


@given(st.lists(st.integers(1, 10**12), min_size=2, max_size=2))
def test_numbers_of_rows_sort_as_text(two):
    first, second = sorted(two)
    assert row_number(first) <= row_number(second)
    assert (row_number(first) == row_number(second)) == (first == second)


def test_numbers_of_rows_have_the_width_that_they_had():
    assert [row_number(n) for n in (1, 9_999_999, 10_000_000)] == [
        "0000001", "9999999", "A10000000",
    ]  # fmt: skip
