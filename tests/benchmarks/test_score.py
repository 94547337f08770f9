"""What make bench-score measures with."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import score


def test_every_customer_has_an_id_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(score, "DRAWN", 50)

    score.write_customers(tmp_path / "some.parquet", 150)

    assert len({*pq.read_table(tmp_path / "some.parquet")["customer_id"].to_pylist()}) == 150


def test_ratios_are_shares_of_the_others_rate():
    rates = {"ours": 500, "bare": 800, "sklearn": 200}
    found = score.ratios({name: {"rows_per_second": rate} for name, rate in rates.items()})
    assert found == {"bare": 0.625, "sklearn": 2.5}
