"""What the benchmark of training trains on."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.scale import training
from tests.checkout import ROOT


def test_customers_differ_from_piece_to_piece_and_look_like_those_of_the_pipeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(training, "DRAWN", 50)
    monkeypatch.chdir(ROOT)

    training.write_customers(tmp_path / "features/train.parquet", 130)

    table = pq.read_table(tmp_path / "features/train.parquet")
    rows = table.to_pylist()
    assert (len(rows), len({row.pop("customer_id") for row in rows})) == (130, 130)
    assert len({tuple(row.values()) for row in rows}) == 130
    assert {True, False} == {*table["churn"].to_pylist()}


def test_time_per_row_is_held_against_the_smallest_with_and_without_the_start():
    smallest = training.linear(100_000, 15, 5, None)

    found = training.linear(1_000_000, 125, 5, smallest)

    assert found["seconds_per_million_rows"] == {"whole": 125.0, "without_start": 120.0}
    assert found["time_per_row"] == {"whole": 0.833, "without_start": 1.2}
