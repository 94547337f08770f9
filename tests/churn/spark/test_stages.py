"""validate, clean and featurize on Spark: the rows, reasons, counts and report of one machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from churn.cleaning import clean
from churn.errors import ChurnError
from churn.export import export
from churn.featurizing import featurize
from churn.settings import FileSource
from churn.spark.job import SparkPlace
from churn.spark.snapshot import labelled, snapshot
from churn.spark.stages import (
    featured,
    last_of_each,
    plain,
    set_aside,
    summary,
    typed_rows,
)
from churn.synthetic import draw
from churn.validation import accepted, validate
from tests.small import TELCO, small_parameters
from tests.taken import take

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("training_processes")]
PARAMETERS = small_parameters(2000)


@pytest.fixture(scope="module")
def raw() -> pa.Table:
    """The embedded table with all its dirt."""
    source = PARAMETERS.source
    return export(draw(source, "history"), TELCO, source, "history")


def taken(spark: Any, address: str, kind: Any, folder: Path, order: str | None = None) -> Any:
    """A snapshot of customers that lie somewhere."""
    customers = labelled(spark, SparkPlace(address, kind), TELCO)
    return snapshot(customers, order, TELCO, str(folder / "snapshot"))


def in_order(table: pa.Table, column: str) -> pa.Table:
    return table.sort_by(column).combine_chunks()


@pytest.fixture
def in_pieces(spark: Any) -> Iterator[None]:
    """Files are read in several pieces, in batches that end anywhere."""
    settings = {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "430",
        "spark.sql.files.maxPartitionBytes": "40000",
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield
    for name in settings:
        spark.conf.unset(name)


@pytest.mark.usefixtures("in_pieces")
def test_all_is_as_on_one_machine(spark: Any, raw: pa.Table, tmp_path: Path):
    # given
    pq.write_table(raw, tmp_path / "customers.parquet", row_group_size=300)
    rows = taken(spark, f"{tmp_path}/customers.parquet", "parquet", tmp_path).repartition(3)
    # when
    report = accepted(summary(rows, TELCO), TELCO, "history", 0.05)
    aside = set_aside(rows, TELCO).toArrow()
    typed_rows(rows, TELCO).write.parquet(str(tmp_path / "typed"))
    typed = spark.read.parquet(str(tmp_path / "typed"))
    customers = last_of_each(typed, TELCO).toArrow()
    sides = featured(typed, TELCO, PARAMETERS.split).toArrow()
    # then
    local = validate(raw, TELCO, "history", 0.05, labelled=True)
    assert report == local.report
    assert report["quarantined"] > 0
    assert aside.combine_chunks().equals(local.quarantine.combine_chunks())
    cleaned = clean(local.valid, TELCO)
    assert cleaned.num_rows < local.valid.num_rows
    assert in_order(customers, "customer_id").equals(plain(cleaned).combine_chunks())
    expected = featurize(cleaned, cleaned.slice(0, 0), TELCO, PARAMETERS.split)
    for side in ("train", "test"):
        found = sides.filter(pc.equal(sides["side"], side)).drop_columns(["side"])
        assert found.combine_chunks().equals(plain(expected[side]).combine_chunks())


@pytest.mark.usefixtures("in_pieces")
def test_csv_is_read_as_on_one_machine(spark: Any, raw: pa.Table, tmp_path: Path):
    name = str(tmp_path / "customers.csv")
    pyarrow.csv.write_csv(raw, name)
    rows = taken(spark, name, "csv", tmp_path)
    assert labelled(spark, SparkPlace(name, "csv"), TELCO).frame.rdd.getNumPartitions() > 2
    source = FileSource(kind="csv", history=name, current=name)
    local = take(source, TELCO, folder=tmp_path).table
    found = in_order(rows.toArrow(), "row_in_snapshot").drop_columns(["row_in_snapshot"])
    assert found.equals(local.combine_chunks())


def ages(rows: Any) -> dict[str, str]:
    """By id, the age that stays."""
    found = last_of_each(typed_rows(rows, TELCO), TELCO).toArrow().to_pylist()
    return {row["customer_id"]: row["age"] for row in found}


def same_customer(raw: pa.Table, *years: int) -> pa.Table:
    """One customer, once for each age."""
    local = validate(raw, TELCO, "history", 0.05, labelled=True)
    one = plain(clean(local.valid, TELCO)).slice(0, 1)
    rows = pa.concat_tables([one] * len(years))
    rows = rows.set_column(rows.column_names.index("age"), "age", pa.array(years))
    return rows.set_column(1, "churn", pa.array(["Yes"] * len(years)))


def test_of_files_that_with_the_last_name_has_the_last_word(
    spark: Any, raw: pa.Table, tmp_path: Path
):
    customers = same_customer(raw, 30, 40, 50)
    # Spark reads the largest file first.
    pq.write_table(customers.slice(0, 2), tmp_path / "2024.parquet")
    pq.write_table(pa.concat_tables([customers.slice(2)] * 50), tmp_path / "2023.parquet")
    rows = taken(spark, f"{tmp_path}/*.parquet", "parquet", tmp_path)
    assert [*ages(rows).values()] == [40]
    assert rows.count() == 52
    numbers = [row.row_in_snapshot for row in rows.filter("age = 40").collect()]
    assert numbers == [51]


def test_a_column_orders_what_a_table_does_not(spark: Any, raw: pa.Table, tmp_path: Path):
    customers = same_customer(raw, 30, 40, 50)
    days = pa.array(["2024-01-02", "2024-01-03", "2024-01-01"])
    rows = customers.append_column("exported at", days)
    spark.createDataFrame(rows).createOrReplaceTempView("exports")
    with pytest.raises(ChurnError, match=r"INPUT=table:exports: a table has no order.*ORDER="):
        taken(spark, "exports", "table", tmp_path)
    with pytest.raises(ChurnError, match="ORDER=day: allowed is a column of INPUT: customer_id,"):
        taken(spark, "exports", "table", tmp_path, "day")
    assert [*ages(taken(spark, "exports", "table", tmp_path, "exported at")).values()] == [40]


def test_columns_are_renamed_as_by_load_and_others_left_out(
    spark: Any, raw: pa.Table, tmp_path: Path
):
    renamed = TELCO.model_copy(update={"rename": {"Alter. in `Jahren`": "age"}})
    names = [" Alter. in `Jahren`" if name == "age" else name for name in raw.column_names]
    strange = raw.rename_columns(names).append_column("extra", pa.array(range(len(raw))))
    pq.write_table(strange, tmp_path / "strange.parquet")
    customers = labelled(spark, SparkPlace(f"{tmp_path}/strange.parquet", "parquet"), renamed)
    rows = snapshot(customers, None, renamed, str(tmp_path / "snapshot"))
    assert (
        rows.toArrow()
        .drop_columns(["row_in_snapshot"])
        .equals(raw.select([*renamed.source_columns]).combine_chunks())
    )


def test_a_column_that_is_missing_is_named(spark: Any, raw: pa.Table, tmp_path: Path):
    pq.write_table(raw.drop_columns(["age"]), tmp_path / "ageless.parquet")
    with pytest.raises(ChurnError, match=r"ageless\.parquet: column missing: age"):
        taken(spark, f"{tmp_path}/ageless.parquet", "parquet", tmp_path)


def test_rows_without_ids_are_numbered(spark: Any, raw: pa.Table, tmp_path: Path):
    nameless = TELCO.model_copy(update={"id": None})
    pq.write_table(raw.drop_columns(["customer_id"]), tmp_path / "nameless.parquet")
    place = SparkPlace(f"{tmp_path}/nameless.parquet", "parquet")
    customers = labelled(spark, place, nameless)
    rows = snapshot(customers, None, nameless, str(tmp_path / "snapshot")).toArrow()
    assert rows["row_number"].to_pylist()[:2] == ["0000001", "0000002"]
    assert rows.column_names[0] == "row_number"
