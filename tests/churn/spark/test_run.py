"""ENGINE=spark: the local engine's answers, from any kind of input to any kind of output."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from churn import errors
from churn.errors import ChurnError
from tests.churn.batch.conftest import customers
from tests.churn.spark.conftest import Score

pytestmark = pytest.mark.spark
# By column, what exports have in it: some of it is understood, some is not.
ODD = {
    "customer_id": [None, "", " C7 ", "NA", "x" * 300, "Zoë", "a\tb"],
    "age": ["  42", "17", "-5", "abc", None, "41.5", "9" * 30, "1e1"],
    "monthly_charges": ["1,234.50", "-0.0", "NaN", "", "inf", "0,5"],
    "contract": ["MONTH-TO-MONTH", " two year ", "for ever", "None", "null"],
    "tv_service": ["Yes", "n", "1.0", "2", "perhaps"],
}
PLACES = ("row_in_snapshot", "snapshot_file", "row_in_file")


def texts(table: pa.Table) -> pa.Table:
    """All columns as text, as a CSV file has them."""
    rows = [{k: None if v is None else str(v) for k, v in row.items()} for row in table.to_pylist()]
    return pa.Table.from_pylist(rows, pa.schema([(n, pa.string()) for n in table.column_names]))


def dirty(rows: int) -> pa.Table:
    """Customers as text, every other one with something odd in a column."""
    found = texts(customers(rows)).to_pylist()
    rng = np.random.default_rng(5)
    for row in found[::2]:
        name = rng.choice([*ODD])
        row[name] = ODD[name][rng.integers(len(ODD[name]))]
    return pa.Table.from_pylist(found, texts(customers(1)).schema)


def rows_of(path: str | Path) -> list[dict[str, Any]]:
    """Rows in the order of their ids, without their places."""
    table = pq.read_table(path)
    table = table.drop_columns([one for one in PLACES if one in table.column_names])
    return sorted(table.to_pylist(), key=repr)


def same(score: Score, on_spark: Score, **variables: object) -> None:
    """Score with both engines, and hold them against each other."""
    ours = score(OUTPUT="local.parquet", FORCE=1, **variables)
    theirs = on_spark(OUTPUT="spark.parquet", FORCE=1, **variables)
    for end in (".parquet", ".quarantine.parquet"):
        assert rows_of(f"spark{end}") == rows_of(f"local{end}")
    assert (ours.levels, ours.aside, ours.version) == (theirs.levels, theirs.aside, theirs.version)
    assert theirs.aside


def test_the_same_of_dirty_text_in_many_pieces(
    on_spark: Score, score: Score, monkeypatch: pytest.MonkeyPatch, spark: Any
):
    pq.write_table(dirty(400), "in.parquet", row_group_size=100)
    # Batches of another size, over tasks that each have a part of the file.
    monkeypatch.setattr("churn.spark.run.ROWS", 7)
    spark.conf.set("spark.sql.files.maxPartitionBytes", "4096")
    try:
        same(score, on_spark, INPUT="in.parquet", EXPLAIN=2)
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
    assert len([*Path("spark.parquet").glob("part-*")]) > 1


def test_the_same_of_values_with_types_in_several_files(on_spark: Score, score: Score):
    table = customers(400, seed=3)
    ages = pa.array([-1 if i % 9 == 0 else 30 for i in range(400)], pa.int16())
    table = table.set_column(table.column_names.index("age"), "age", ages)
    pq.write_table(table.slice(0, 150), "c 1%20.parquet")
    # In another order, with a column more, and types of its own, as of an export with a gap in it.
    rest = table.slice(150).select([*reversed(table.column_names)])
    rest = rest.append_column("more", pa.nulls(250, pa.int8()))
    gaps = rest.set_column(
        rest.column_names.index("age"),
        "age",
        pa.array(
            [None if i % 7 == 0 else float(age) for i, age in enumerate(ages[150:].to_pylist())]
        ),
    )
    pq.write_table(gaps, "c 2é.parquet")

    same(score, on_spark, INPUT="c *.parquet")

    for one in pq.read_table("spark.quarantine.parquet").to_pylist():
        path = unquote(urlsplit(one["snapshot_file"]).path)
        there = pq.read_table(path).slice(one["row_in_file"] - 1, 1).to_pylist()[0]
        assert there["customer_id"] == one["customer_id"]


def test_names_of_folders_are_text_and_their_files_may_differ_in_types(
    on_spark: Score, score: Score
):
    table = customers(60)
    ages = table.column("age").to_pylist()
    for plan, kind in {"One year": pa.int32(), "Two year": pa.float64()}.items():
        one = table.drop_columns(["contract"])
        one = one.set_column(one.column_names.index("age"), "age", pa.array(ages, kind))
        one = one.set_column(0, "customer_id", pa.array([f"{plan} {i}" for i in range(60)]))
        folder = Path(f"in.parquet/contract={plan}")
        folder.mkdir(parents=True)
        pq.write_table(one, folder / "a.parquet")
        plans = pa.array([plan] * 60)
        pq.write_table(one.append_column("contract", plans), f"local {plan}.parquet")
    score(INPUT="local *.parquet", OUTPUT="local.parquet")

    on_spark(INPUT="in.parquet", OUTPUT="spark.parquet")

    assert rows_of("spark.parquet") == rows_of("local.parquet")
    assert len(rows_of("spark.parquet")) == 120


@pytest.mark.parametrize("end", ["csv", "csv.gz"])
def test_the_same_of_csv_by_pattern_or_folder(on_spark: Score, score: Score, spark: Any, end: str):
    table = (
        dirty(500)
        .drop_columns(["late_payments"])
        .append_column("late_payments", pa.array(['say "no", or', "2"] * 250))
    )
    for name, part in {"a": table, "b": table.select([*reversed(table.column_names)])}.items():
        pa.csv.write_csv(part, f"{name}.csv")
        if end == "csv.gz":
            Path(f"{name}.csv.gz").write_bytes(gzip.compress(Path(f"{name}.csv").read_bytes()))
    spark.conf.set("spark.sql.files.maxPartitionBytes", "8192")
    try:
        same(score, on_spark, INPUT=f"*.{end}")
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")
    Path("folder").mkdir()
    for name in ("a", "b"):
        Path(f"{name}.{end}").rename(f"folder/{name}.{end}")
    on_spark(INPUT="folder/", OUTPUT="of_folder.parquet")
    assert rows_of("of_folder.parquet") == rows_of("spark.parquet")


def test_tables_of_a_catalog(on_spark: Score, score: Score, spark: Any):
    pq.write_table(dirty(300), "in.parquet")
    score(INPUT="in.parquet", OUTPUT="local.parquet")
    spark.sql("CREATE DATABASE crm")
    spark.read.parquet(str(Path("in.parquet").absolute())).write.saveAsTable("crm.customers")

    said = on_spark(INPUT="table:crm.customers", OUTPUT="table:crm.scores")

    assert said.text.endswith("rows, with reasons: table:crm.scores_quarantine")
    for name, end in {
        "crm.scores": ".parquet",
        "crm.scores_quarantine": ".quarantine.parquet",
    }.items():
        found = sorted((row.asDict() for row in spark.table(name).collect()), key=repr)
        assert found == rows_of(f"local{end}")
    with pytest.raises(errors.OutputExists):
        on_spark(INPUT="table:crm.customers", OUTPUT="table:crm.scores")
    with pytest.raises(errors.NotAllowed, match="another place than that of INPUT"):
        on_spark(INPUT="table:crm.customers", OUTPUT="table:crm.customers", FORCE=1)
    with pytest.raises(errors.NotAllowed, match="another place than that of INPUT"):
        catalog = "table:spark_catalog.crm.customers"
        on_spark(INPUT="table:crm.customers", OUTPUT=catalog, FORCE=1)
    # Replaced by one without bad rows, and nothing else is left there.
    pq.write_table(customers(20), "good.parquet")
    on_spark(INPUT="good.parquet", OUTPUT="table:crm.scores", FORCE=1)
    assert spark.table("crm.scores").count() == 20
    assert {row.tableName for row in spark.sql("SHOW TABLES IN crm").collect()} == {
        "customers",
        "scores",
    }


def test_an_output_is_whole_or_is_what_it_was(on_spark: Score, tmp_path: Path):
    pq.write_table(dirty(100), "in.parquet")
    pq.write_table(customers(30), "good.parquet")
    on_spark(INPUT="in.parquet", OUTPUT="out.parquet")
    before = sorted(tmp_path.rglob("*"))
    assert Path("out.quarantine.parquet/_SUCCESS").is_file()

    with pytest.raises(errors.OutputExists):
        on_spark(INPUT="good.parquet", OUTPUT="out.parquet")
    with pytest.raises(errors.NotAllowed, match="another place than that of INPUT"):
        on_spark(INPUT="good.parquet", OUTPUT="good.parquet", FORCE=1)
    # Of somebody else's folder nothing is removed, whoever says FORCE.
    Path("letters.parquet").mkdir()
    Path("letters.parquet/a.txt").write_text("Dear customer")
    with pytest.raises(errors.NoSparkOutput, match=r"letters\.parquet: what is there is no"):
        on_spark(INPUT="good.parquet", OUTPUT="letters.parquet", FORCE=1)
    Path("letters.parquet/a.txt").unlink()
    Path("letters.parquet").rmdir()
    # What one that was killed has left is told, and not taken for scores.
    left = Path(".new.parquet.unfinished-1")
    left.mkdir()
    with pytest.raises(errors.UnfinishedSparkRun, match=r"begin anew with FORCE=1"):
        on_spark(INPUT="good.parquet", OUTPUT="new.parquet")
    left.rename(".out.parquet.unfinished-1").rmdir()
    assert sorted(tmp_path.rglob("*")) == before

    Path(".out.parquet.unfinished-1").mkdir()
    on_spark(INPUT="good.parquet", OUTPUT="out.parquet", FORCE=1)
    assert pq.read_table("out.parquet").num_rows == 30
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "good.parquet",
        "in.parquet",
        "out.parquet",
    ]
    # What a run has moved out of the way comes back, even if the next one fails, too.
    left = Path(".out.parquet.replaced-1")
    Path("out.parquet").rename(left)
    broken_in_the_middle()
    with pytest.raises(errors.SparkFailed):
        on_spark(INPUT="broken.parquet", OUTPUT="out.parquet", FORCE=1)
    assert pq.read_table("out.parquet").num_rows == 30
    assert not left.exists()


def test_a_table_that_a_killed_run_has_moved_away_comes_back(on_spark: Score, spark: Any):
    pq.write_table(customers(30), "in.parquet")
    on_spark(INPUT="in.parquet", OUTPUT="table:moved")
    spark.sql("ALTER TABLE moved RENAME TO moved__replaced_1")
    broken_in_the_middle()
    with pytest.raises(errors.UnfinishedSparkRun, match="moved__replaced_1"):
        on_spark(INPUT="in.parquet", OUTPUT="table:moved")
    with pytest.raises(errors.SparkFailed):
        on_spark(INPUT="broken.parquet", OUTPUT="table:moved", FORCE=1)
    assert spark.table("moved").count() == 30
    on_spark(INPUT="in.parquet", OUTPUT="table:moved", FORCE=1)
    assert not [one.name for one in spark.catalog.listTables() if "__" in one.name]


def broken_in_the_middle() -> None:
    """A file of which a later row group cannot be read."""
    pq.write_table(customers(40_000), "broken.parquet", row_group_size=10_000, compression="NONE")
    data = bytearray(Path("broken.parquet").read_bytes())
    middle = len(data) * 3 // 4
    data[middle : middle + 20_000] = b"\xff" * 20_000
    Path("broken.parquet").write_bytes(data)


def test_a_task_that_fails_leaves_nothing(on_spark: Score, tmp_path: Path):
    broken_in_the_middle()

    with pytest.raises(errors.SparkFailed, match=r"Nothing was put into its place") as raised:
        on_spark(INPUT="broken.parquet", OUTPUT="out.parquet")

    assert "\n" not in str(raised.value)
    assert [one.name for one in tmp_path.iterdir()] == ["broken.parquet"]


def few(**changed: object) -> pa.Table:
    table = customers(8)
    for name, value in changed.items():
        table = table.set_column(table.column_names.index(name), name, pa.array([value] * 8))
    return table


def test_mistakes_are_told_in_one_line(on_spark: Score, models: Path):
    pq.write_table(few(), "good.parquet")
    pq.write_table(few().drop_columns(["contract"]), "gap-1.parquet")
    pq.write_table(few(), "gap-2.parquet")
    pq.write_table(few(age="old"), "hopeless.parquet")
    pq.write_table(few(age=[1]), "lists.parquet")
    pq.write_table(few().slice(0, 0), "empty.parquet")
    Path("text.parquet").write_text("no Parquet")
    pa.csv.write_csv(few(), "good.csv")
    text = Path("good.csv").read_text()
    Path("break.csv").write_text(text.replace("Month-to", "Month\n-to", 1))
    Path("short.csv").write_text(f"{text}C9,1,2\n")
    cases: list[tuple[type[ChurnError], str, dict[str, object]]] = [
        (errors.NoSuchInput, "no such file", {"INPUT": "none.parquet"}),
        (errors.ColumnsMissing, "column missing: contract", {"INPUT": "gap-*.parquet"}),
        (errors.NothingScorable, "none of the first 8 rows.*age", {"INPUT": "hopeless.parquet"}),
        (errors.UnusableColumn, "age", {"INPUT": "lists.parquet"}),
        (errors.NoCustomers, "no customers", {"INPUT": "empty.parquet"}),
        (errors.SparkFailed, "Spark says", {"INPUT": "text.parquet"}),
        (errors.SparkFailed, "TABLE_OR_VIEW_NOT_FOUND", {"INPUT": "table:none"}),
        (errors.LineBreakInValue, "contract", {"INPUT": "break.csv"}),
        (errors.UnreadableFile, "Expected 16 columns, got 3", {"INPUT": "short.csv"}),
        (errors.NoIdForSpark, "has no id", {"INPUT": "good.csv", "MODEL": models / "shop"}),
        (errors.NotAllowed, "RESUME=1: allowed is nothing", {"INPUT": "good.csv", "RESUME": 1}),
        (errors.NotAllowed, "QUERY", {"INPUT": "good.csv", "QUERY": "SELECT 1"}),
        (errors.UnknownPlace, "OUTPUT", {"INPUT": "good.csv", "OUTPUT": "scores.csv"}),
        (
            errors.SparkFailed,
            "says: (?!its)",
            {"INPUT": "good.csv", "OUTPUT": "good.csv/a.parquet"},
        ),
    ]
    for kind, words, given in cases:
        with pytest.raises(kind, match=words) as raised:
            on_spark(**{"OUTPUT": "out.parquet", **given})
        assert "\n" not in str(raised.value)
        assert not Path("out.parquet").exists()
