import gzip
import hashlib
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn.contract import Contract
from churn.errors import (
    ChurnError,
    DoubledColumn,
    EmptyInput,
    InputFileMissing,
    MissingColumn,
    SyntheticIsTelco,
    UnreadableFile,
    WrongFileEnding,
)
from churn.params import read_parameters
from churn.settings import PLACEHOLDERS, FileSource
from tests import taken

SHIPPED = read_parameters(Path(__file__).parents[2] / "params.yaml")
HEADER = "customer,left,age,plan\n"
CSV = HEADER + "C1,Yes,30,Basic\nC2,No,41,Extra\n"
ROWS = [
    {"customer": "C1", "left": "Yes", "age": "30", "plan": "Basic"},
    {"customer": "C2", "left": "No", "age": "41", "plan": "Extra"},
]


def contract(**changes):
    return Contract.model_validate(
        {
            "name": "mine",
            "id": "customer",
            "target": {"column": "left", "positive": "Yes", "negative": "No"},
            "columns": {"age": {"type": "integer"}, "plan": {"type": "category"}},
            **changes,
        }
    )


@pytest.fixture
def snapshot_of(tmp_path):
    """Writes a file and takes a snapshot of it."""

    def take(content, name="customers.csv", part="history", **changes):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        kind = "parquet" if name.endswith(".parquet") else "csv"
        source = FileSource(kind=kind, history=str(path), current=str(path))
        return taken.take(source, contract(**changes), part, tmp_path)

    return take


def words(text):
    return re.escape(text).replace("\\.\\.\\.", ".*")


# reading


def test_a_csv_is_read_as_text(snapshot_of):
    table = snapshot_of(CSV).table
    assert table.to_pylist() == ROWS
    assert set(table.schema.types) == {pa.string()}


def test_a_compressed_csv_is_read_like_a_plain_one(snapshot_of):
    packed = gzip.compress(CSV.encode())
    assert snapshot_of(packed, "customers.csv.gz").table.to_pylist() == ROWS


def test_a_parquet_file_keeps_its_types(snapshot_of):
    typed = pa.table({"customer": [1], "left": [True], "age": [30], "plan": ["Basic"]})
    assert snapshot_of(typed, "customers.parquet").table.equals(typed)


def test_a_file_as_excel_saves_it_is_read(snapshot_of):
    text = "\ufeff" + CSV.replace("\n", "\r\n")
    assert snapshot_of(text).table.to_pylist() == ROWS


def test_quoted_commas_and_quotes_stay_in_their_value(snapshot_of):
    table = snapshot_of(HEADER + 'C1,Yes,30,"Basic, old ""price"""\nC2,No,41,x\n').table
    assert table.column("plan").to_pylist() == ['Basic, old "price"', "x"]


@pytest.mark.parametrize("at", [0, 5, 7_999])
def test_a_quotation_mark_that_is_never_closed_loses_no_customers_in_silence(snapshot_of, at):
    lines = [f"C{n},No,41,x" for n in range(8_000)]
    lines[at] = f'C{at},No,41,"cable 5'
    with pytest.raises(ChurnError, match=rf"column plan, row {at + 1}: .*quotation mark is never"):
        snapshot_of(HEADER + "\n".join(lines) + "\n")


def test_two_stray_quotation_marks_do_not_merge_the_rows_between_them(snapshot_of):
    text = HEADER + 'C1,No,41,"cable\nC2,No,41,x\nC3,No,41,5"\nC4,Yes,41,x\n'
    with pytest.raises(ChurnError, match="column plan, row 1: the value goes over several lines"):
        snapshot_of(text)


@pytest.mark.parametrize("word", ["NA", "null", "", " ", "007", "1.50", "true", "Zürich"])
def test_no_value_of_a_csv_is_changed_by_reading(snapshot_of, word):
    table = snapshot_of(f"{HEADER}C1,Yes,30,{word}\n").table
    assert table.column("plan").to_pylist() == [word]


def test_a_value_whose_type_differs_far_down_a_large_file_is_read(snapshot_of):
    lines = [f"C{number:06d},No,41,12345678901234567890" for number in range(60_000)]
    table = snapshot_of(HEADER + "\n".join([*lines, "last,Yes,forty,word"])).table
    assert table.num_rows == 60_001
    assert table.slice(60_000).to_pylist() == [
        {"customer": "last", "left": "Yes", "age": "forty", "plan": "word"}
    ]


def test_columns_come_in_the_order_of_the_contract(snapshot_of):
    table = snapshot_of("plan,age,customer,left\nBasic,30,C1,Yes\n").table
    assert table.column_names == ["customer", "left", "age", "plan"]


def test_a_folder_that_looks_like_a_partition_adds_no_column(tmp_path):
    path = tmp_path / "age=99" / "customers.parquet"
    path.parent.mkdir()
    table = pa.table({"customer": ["C1"], "left": ["Yes"], "age": [30], "plan": ["Basic"]})
    pq.write_table(table, path)
    source = FileSource(kind="parquet", history=str(path), current=str(path))
    assert taken.take(source, contract()).table.equals(table)


# names


def test_columns_get_the_names_of_the_contract(snapshot_of):
    text = "Kunde,Churn,Alter,plan\nC1,Yes,30,Basic\n"
    rename = {"Kunde": "customer", "Churn": "left", "Alter": "age"}
    assert snapshot_of(text, rename=rename).table.to_pylist() == ROWS[:1]


def test_columns_that_the_contract_does_not_name_are_left_out_and_recorded(snapshot_of):
    snapshot = snapshot_of("customer,left,age,plan,phone,city\nC1,Yes,30,Basic,555,Bonn\n")
    assert snapshot.table.column_names == ["customer", "left", "age", "plan"]
    assert snapshot.description["ignored_columns"] == ["phone", "city"]


def test_the_manifest_tells_the_file_by_name_and_content_not_by_folder(snapshot_of, tmp_path):
    content = hashlib.sha256(CSV.encode()).hexdigest()
    assert snapshot_of(CSV).description == {
        "source": "csv",
        "files": [{"file": "customers.csv", "bytes": len(CSV), "sha256": content}],
        "ignored_columns": [],
        "rows": 2,
        "columns": ["customer", "left", "age", "plan"],
    }


def test_without_an_id_the_row_number_stands_in_and_sorts_as_text(snapshot_of):
    rows = "\n".join(f"No,{age},Basic" for age in range(12))
    table = snapshot_of(f"left,age,plan\n{rows}\n", id=None).table
    numbers = table.column("row_number").to_pylist()
    assert numbers[:2] == ["0000001", "0000002"]
    assert numbers == sorted(numbers)
    assert table.column("age").to_pylist() == [str(age) for age in range(12)]


def test_recent_customers_need_no_outcome_but_may_have_one(snapshot_of):
    without = snapshot_of("customer,age,plan\nC1,30,Basic\n", part="current")
    assert without.table.column_names == ["customer", "age", "plan"]
    assert "left" in snapshot_of(CSV, part="current").table.column_names


def test_no_recent_customers_is_a_table_without_rows():
    source = FileSource(kind="csv", history="unread.csv", current=PLACEHOLDERS[1])
    snapshot = taken.take(source, contract(), "current")
    assert snapshot.table.num_rows == 0
    assert snapshot.table.column_names == ["customer", "age", "plan"]
    assert snapshot.description["source"] == "none"


# columns known only after the event

LATER = {
    "age": {"type": "integer"},
    "plan": {"type": "category"},
    "refund": {"type": "number", "after_event": True},
    "letter": {"type": "category", "after_event": True},
}


def test_recent_customers_may_lack_what_is_known_only_after_the_event(snapshot_of):
    snapshot = snapshot_of("customer,age,plan\nC1,30,Basic\n", part="current", columns=LATER)
    assert snapshot.table.to_pylist() == [
        {"customer": "C1", "age": "30", "plan": "Basic", "refund": None, "letter": None}
    ]
    assert snapshot.description["ignored_columns"] == []


def test_recent_customers_may_have_some_of_what_is_known_only_after_the_event(snapshot_of):
    typed = pa.table({"customer": ["C1"], "letter": ["sent"], "age": [30], "plan": ["Basic"]})
    table = snapshot_of(typed, "a.parquet", part="current", columns=LATER).table
    assert table.column_names == ["customer", "age", "plan", "refund", "letter"]
    assert table.select(["refund", "letter"]).to_pylist() == [{"refund": None, "letter": "sent"}]


def test_recent_customers_need_every_other_column(snapshot_of):
    with pytest.raises(MissingColumn, match=r"column missing: age\. There are: customer, plan"):
        snapshot_of("customer,plan\nC1,Basic\n", part="current", columns=LATER)


def test_the_history_needs_what_is_known_only_after_the_event(snapshot_of):
    with pytest.raises(MissingColumn, match=r"column missing: refund, letter .*There are:"):
        snapshot_of(CSV, columns=LATER)


# bad files

ROW = pa.table({"customer": ["C1"], "left": ["Yes"], "age": [30], "plan": ["Basic"]})


@pytest.mark.parametrize(
    ("content", "name", "error", "message"),
    [
        ("", "a.csv", EmptyInput, "a.csv: the file holds no customers. It needs a header line"),
        (HEADER, "a.csv", EmptyInput, "a.csv: the file holds no customers"),
        (HEADER.strip(), "a.csv", EmptyInput, "a.csv: the file holds no customers"),
        ("\n\n", "a.csv", EmptyInput, "a.csv: the file holds no customers"),
        (gzip.compress(b""), "a.csv.gz", EmptyInput, "a.csv.gz: the file holds no customers"),
        (ROW.slice(0, 0), "a.parquet", EmptyInput, "a.parquet: the file holds no customers"),
        (
            CSV,
            "a.txt",
            WrongFileEnding,
            "a.txt: source=csv reads files that end in .csv, .csv.gz, .csv.zst. Rename the file",
        ),
        (
            CSV,
            "a.parquet",
            UnreadableFile,
            "a.parquet: cannot be read as parquet: ... Export it again as parquet",
        ),
        (
            ROW,
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: ... Export it again as csv, in UTF-8",
        ),
        (
            HEADER.encode() + b"C1,Yes,30,Caf\xe9\n",
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: ...UTF8 ...Export it again as csv, in UTF-8",
        ),
        (
            b"customer,left,age,pl\xe9n\nC1,Yes,30,x\n",
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: ...Export it again as csv, in UTF-8",
        ),
        (
            CSV.encode("utf-16"),
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: ...Export it again as csv, in UTF-8",
        ),
        (
            CSV + "C3,No\n",
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: ...Expected 4 columns, got 2: C3,No",
        ),
        (
            CSV + "C3,No,1,x,y\n",
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: ...Expected 4 columns, got 5: C3,No,1,x,y",
        ),
        (b"not gzip", "a.csv.gz", UnreadableFile, "a.csv.gz: cannot be read as csv"),
        (
            gzip.compress(CSV.encode() * 999)[:-9],
            "a.csv.gz",
            UnreadableFile,
            "a.csv.gz: cannot be read as csv: Truncated",
        ),
        (
            "customer,left,age,age,plan\nC1,Yes,3,3,x\n",
            "a.csv",
            DoubledColumn,
            "a.csv: column named more than once: 'age'. Each name may stand once",
        ),
        (
            pa.Table.from_arrays([pa.array([1])] * 3, names=["age", "age", "x"]),
            "a.parquet",
            DoubledColumn,
            "a.parquet: column named more than once: 'age'",
        ),
        (
            "customer,left,agee,plan\nC1,Yes,3,x\n",
            "a.csv",
            MissingColumn,
            "a.csv: column missing: age (did you mean 'agee'?). There are: customer, left, "
            "agee, plan. Add the column, map its name under rename in conf/table/mine.yaml",
        ),
        (
            "customer,age,plan\nC1,3,x\n",
            "a.csv",
            MissingColumn,
            "a.csv: column missing: left",
        ),
        (
            "customer;left;age;plan\nC1;Yes;3;x\n",
            "a.csv",
            UnreadableFile,
            "a.csv: cannot be read as csv: values are separated by ';', not by commas",
        ),
    ],
    ids=[
        "no bytes",
        "header only",
        "header only, no newline",
        "blank lines only",
        "compressed nothing",
        "parquet without rows",
        "wrong ending",
        "csv named parquet",
        "parquet named csv",
        "latin-1 value",
        "latin-1 header",
        "utf-16",
        "short row",
        "long row",
        "not compressed",
        "cut off",
        "doubled header",
        "doubled parquet column",
        "misspelled column",
        "no target",
        "semicolons",
    ],
)
def test_a_bad_file_is_told_with_its_name_and_how_to_mend_it(
    snapshot_of, content, name, error, message
):
    with pytest.raises(error, match=words(message)):
        snapshot_of(content, name)


def test_a_column_doubled_by_renaming_is_told(snapshot_of):
    message = r"column named more than once: 'age'\. .*after the contract's rename"
    with pytest.raises(DoubledColumn, match=message):
        snapshot_of("customer,left,age,Alter,plan\nC1,Yes,3,3,x\n", rename={"Alter": "age"})


@pytest.mark.parametrize(("part", "parameter"), [("history", "history"), ("current", "current")])
def test_a_missing_file_is_told_with_the_parameter_that_names_it(tmp_path, part, parameter):
    path = tmp_path / "gone.csv"
    source = FileSource(kind="csv", history=str(path), current=str(path))
    with pytest.raises(InputFileMissing, match=rf"{path}: no such file\. Set source.{parameter}"):
        taken.take(source, contract(), part)


# the generator


@pytest.mark.parametrize("part", ["history", "current"])
def test_the_generator_gives_the_columns_of_its_contract(part):
    small = SHIPPED.source.model_copy(update={"history_rows": 50, "current_rows": 50})
    snapshot = taken.take(small, SHIPPED.table, part)
    target = [SHIPPED.table.target.column] if part == "history" else []
    assert snapshot.table.column_names == [SHIPPED.table.id, *target, *SHIPPED.table.columns]
    assert snapshot.description["seed"] == small.seed


def test_the_generator_is_refused_for_another_table():
    message = r"the columns of table=telco as it ships, not those of mine; .* Set source=csv"
    with pytest.raises(SyntheticIsTelco, match=message):
        taken.take(SHIPPED.source, contract())
