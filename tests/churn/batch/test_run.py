"""Whole jobs: the same scores from any kind of input and to any kind of output, and errors."""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import stat
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from sqlalchemy import column, create_engine, make_url, text
from sqlalchemy import table as table_clause

from churn import errors
from churn.batch import table_output
from churn.batch.table_output import TableOutput
from churn.contract import SCORE
from churn.errors import ChurnError
from churn.reading.databases import url_of
from churn.reading.files import ROWS
from tests.churn.batch.conftest import Score, customers
from tests.s3 import S3
from tests.serve.models import CUST001
from tests.web import serving

FIELDS = [
    *("customer_id", "churn_probability", "will_churn", "risk_level", "recommendation"),
    "model_version",
]


def plain(table: pa.Table) -> pa.Table:
    """The same with words in place of their numbers."""
    names = zip(table.column_names, table.columns, strict=True)
    return pa.table(
        {n: c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for n, c in names}
    )


def put_into(address: str, table: pa.Table, name: str = "customers") -> None:
    """A table of a database."""
    rows = plain(table).to_pylist()
    types = {"double": "DOUBLE PRECISION", "int64": "BIGINT", "bool": "BOOLEAN", "string": "TEXT"}
    columns = [f"{one.name} {types[str(one.type)]}" for one in plain(table).schema]
    engine = create_engine(url_of(address, "test"))
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE {name} ({', '.join(columns)})"))
        values = [column(one.name) for one in plain(table).schema]
        connection.execute(table_clause(name, *values).insert(), rows)
    engine.dispose()


def selected(address: str, query: str) -> list[dict[str, object]]:
    engine = create_engine(url_of(address, "test"))
    with engine.connect() as connection:
        found = [dict(one._mapping) for one in connection.execute(text(query))]
    engine.dispose()
    return found


@pytest.fixture
def rows(tmp_path: Path) -> pa.Table:
    """Customers, in `in.parquet`."""
    table = customers(300)
    pq.write_table(table, tmp_path / "in.parquet")
    return table


@pytest.fixture
def expected(rows: pa.Table, score: Score) -> list[dict[str, object]]:
    """What is said of them."""
    score(INPUT="in.parquet", OUTPUT="expected.parquet")
    return pq.read_table("expected.parquet").to_pylist()


def test_scores_have_the_servers_fields_and_the_order_of_the_input(rows, expected):
    assert [*expected[0]] == FIELDS
    assert [one["customer_id"] for one in expected] == rows["customer_id"].to_pylist()


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.zst"])
def test_text_gives_the_same_scores_however_it_is_compressed(rows, expected, score, ending):
    pa.csv.write_csv(plain(rows), "in.csv")
    if ending == ".csv.gz":
        Path("in.csv.gz").write_bytes(gzip.compress(Path("in.csv").read_bytes()))
    if ending == ".csv.zst":
        with pa.CompressedOutputStream("in.csv.zst", "zstd") as stream:
            stream.write(Path("in.csv").read_bytes())

    score(INPUT=f"in{ending}", OUTPUT="out.parquet")

    assert Path("out.parquet").read_bytes() == Path("expected.parquet").read_bytes()


def test_files_of_a_pattern_are_scored_in_the_order_of_their_names(rows, expected, score):
    Path("parts").mkdir()
    for i, first in enumerate(range(0, 300, 120)):
        pq.write_table(rows.slice(first, 120), f"parts/p{i}.parquet", row_group_size=50)

    score(INPUT="parts/p*.parquet", OUTPUT="out.parquet")

    assert pq.read_table("out.parquet").to_pylist() == expected


def test_many_groups_of_rows_and_many_rows_make_no_difference(score):
    table = customers(ROWS + 4000)
    pq.write_table(table, "one.parquet")
    pq.write_table(table, "many.parquet", row_group_size=30_000)

    score(INPUT="one.parquet", OUTPUT="a.parquet")
    score(INPUT="many.parquet", OUTPUT="b.parquet")

    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()
    assert pq.read_metadata("a.parquet").num_rows == ROWS + 4000


def test_other_columns_and_another_order_make_no_difference(rows, expected, score):
    other = rows.append_column("notes", [["of no use"] * 300]).append_column("l", [[[1]] * 300])
    pq.write_table(other.select(other.column_names[::-1]), "other.parquet")

    score(INPUT="other.parquet", OUTPUT="out.parquet")

    assert pq.read_table("out.parquet").to_pylist() == expected


def test_a_database_gives_and_takes_the_same(rows, expected, score, any_database):
    Path(any_database.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    put_into(any_database, rows)

    score(INPUT=f"{any_database}#customers", OUTPUT="out.parquet")
    done = score(
        INPUT=any_database,
        QUERY="SELECT c.*, 1 AS one, ':x' AS colon, '%' AS percent FROM customers c",
        OUTPUT=f"{any_database}#scores",
    )

    def by_id(found):
        return sorted(found, key=lambda one: one["customer_id"])

    assert by_id(pq.read_table("out.parquet").to_pylist()) == by_id(expected)
    found = by_id(selected(any_database, "SELECT * FROM scores"))
    assert found == by_id(expected)
    assert "secret" not in done.text
    assert not list(Path("predictions/unfinished").iterdir())


def test_a_long_value_goes_aside_whole(rows, score, any_database):
    levels = [*rows["contract"].to_pylist()]
    levels[3] = "x" * 70_000
    at = rows.column_names.index("contract")
    pq.write_table(rows.set_column(at, "contract", [levels]), "in.parquet")

    done = score(INPUT="in.parquet", OUTPUT=f"{any_database}#scores")

    aside = selected(any_database, "SELECT * FROM scores_quarantine")
    assert (done.aside, [len(one["contract"]) for one in aside]) == (1, [70_000])


def test_a_run_that_is_not_alone_leaves_the_others_table_as_it_is(new_mysql_database, monkeypatch):
    monkeypatch.setattr(table_output, "LOCK_TIMEOUT", 0)
    url = url_of(new_mysql_database(), "test")
    scores = pa.table({"customer_id": ["A"], SCORE: [0.5]})
    first, second = TableOutput(url, "scores", "1"), TableOutput(url, "scores", "2")
    first.write(scores, scores.slice(0, 0))

    with pytest.raises(errors.RunInProgress):
        second.write(scores, scores.slice(0, 0))
    second.discard()
    first.write(scores, scores.slice(0, 0))
    first.put(force=False, again=False)
    first.discard()

    assert len(selected(url.render_as_string(hide_password=False), "SELECT * FROM scores")) == 2


def test_a_table_is_replaced_when_that_is_said_and_at_its_end(rows, score, any_database):
    output = f"{any_database}#scores"
    score(INPUT="in.parquet", OUTPUT=output)
    pq.write_table(rows.slice(0, 10).set_column(1, "age", [[17, *[42] * 9]]), "in.parquet")

    with pytest.raises(errors.OutputExists, match="FORCE=1"):
        score(INPUT="in.parquet", OUTPUT=output)
    with pytest.raises(errors.UnreadableFile):
        Path("bad.parquet").write_text("PAR1")
        score(INPUT="bad.parquet", OUTPUT=output, FORCE=1)
    assert len(selected(any_database, "SELECT * FROM scores")) == 300
    score(INPUT="in.parquet", OUTPUT=output, FORCE=1)

    assert len(selected(any_database, "SELECT * FROM scores")) == 9
    (aside,) = selected(any_database, "SELECT * FROM scores_quarantine")
    assert aside["reasons"].startswith("age: 17 is too low")
    score(INPUT="in.parquet", OUTPUT=output, FORCE=1, QUERY="")
    engine = create_engine(url_of(any_database, "test"))
    with engine.begin() as connection:
        connection.execute(text("CREATE VIEW seen AS SELECT * FROM scores"))
    engine.dispose()
    with pytest.raises(errors.NotAllowed, match="#seen: allowed is a table, and this is a view"):
        score(INPUT="in.parquet", OUTPUT=f"{any_database}#seen", FORCE=1)


def test_an_object_store_gives_and_takes_files(rows, expected, score, s3: S3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    s3.client.create_bucket(Bucket="scores")
    s3.client.upload_file("in.parquet", "scores", "in/1.parquet")

    score(INPUT="s3://scores/in/*.parquet", OUTPUT="s3://scores/out/a.parquet")

    s3.client.download_file("scores", "out/a.parquet", "out.parquet")
    assert Path("out.parquet").read_bytes() == Path("expected.parquet").read_bytes()
    with pytest.raises(errors.OutputExists):
        score(INPUT="s3://scores/in/1.parquet", OUTPUT="s3://scores/out/a.parquet")
    with pytest.raises(errors.StoreRefused, match="there is no bucket nowhere"):
        score(INPUT="in.parquet", OUTPUT="s3://nowhere/out.parquet", FORCE=1)
    with pytest.raises(errors.NoSuchInput, match=r"did you mean '1\.parquet'"):
        score(INPUT="s3://scores/in/2.parquet", OUTPUT="other.parquet")


def test_the_web_gives_what_is_pinned(rows, expected, score, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = Path("in.parquet").read_bytes()
    pin = f"sha256={hashlib.sha256(content).hexdigest()}"
    with serving(tmp_path) as web:
        monkeypatch.setenv("SSL_CERT_FILE", str(web.certificate))
        web.files["in.parquet"] = content

        score(INPUT=f"{web.url}/whole/in.parquet?key=secret#{pin}", OUTPUT="out.parquet")

        assert Path("out.parquet").read_bytes() == Path("expected.parquet").read_bytes()
        for path, end, error in (
            ("whole", "sha256=" + "0" * 64, errors.OtherContent),
            ("short", pin, errors.DownloadFailed),
            ("whole", "", errors.UnusableDownload),
        ):
            with pytest.raises(error) as raised:
                score(INPUT=f"{web.url}/{path}/in.parquet?key=secret#{end}", OUTPUT="no.parquet")
            assert "secret" not in str(raised.value)
    assert not [*Path().glob("*no.parquet*")]


def test_every_row_is_scored_or_set_aside(rows, score):
    ages = rows["age"].to_pylist()
    ages[7] = ages[250] = 17
    pq.write_table(rows.set_column(1, "age", [ages]), "in.parquet")

    done = score(INPUT="in.parquet", OUTPUT="out.csv")

    aside = pa.csv.read_csv("out.quarantine.csv")
    assert aside["row_in_snapshot"].to_pylist() == [8, 251]
    assert sum(done.levels.values()) == len(pa.csv.read_csv("out.csv")) == 298
    assert done.text.endswith("\nAside    2 rows, with reasons: out.quarantine.csv")


def test_a_quarantine_of_an_earlier_run_does_not_stay(rows, score):
    pq.write_table(rows.set_column(1, "age", [[17] + [42] * 299]), "bad.parquet")
    score(INPUT="bad.parquet", OUTPUT="out.parquet")
    assert Path("out.quarantine.parquet").exists()

    score(INPUT="in.parquet", OUTPUT="out.parquet", FORCE=1)

    assert not Path("out.quarantine.parquet").exists()
    assert pq.read_metadata("out.parquet").num_rows == 300


def test_reasons_are_a_list_in_parquet_and_json_elsewhere(rows, score):
    pq.write_table(rows.slice(0, 3), "in.parquet")
    score(INPUT="in.parquet", OUTPUT="out.parquet", EXPLAIN=2)
    score(INPUT="in.parquet", OUTPUT="out.csv", EXPLAIN=2)

    found = pq.read_table("out.parquet")["reasons"].to_pylist()
    assert [json.loads(one) for one in pa.csv.read_csv("out.csv")["reasons"].to_pylist()] == found
    assert {*found[0][0]} == {"input", "value", "contribution"}


def test_names_of_the_export_are_understood(models, rows, score, tmp_path):
    from churn.bundle import Bundle
    from churn.scoring import with_golden
    from tests.serve.models import telco

    contract = telco().manifest.contract.model_copy(update={"rename": {"Alter": "age"}})
    manifest = telco().manifest.model_copy(update={"contract": contract})
    with_golden(Bundle(manifest, telco().reference, telco().booster)).save(tmp_path / "renamed")
    names = [{"age": " Alter "}.get(n, n) for n in rows.column_names]
    pq.write_table(rows.rename_columns(names), "own.parquet")

    score(INPUT="in.parquet", OUTPUT="a.csv", MODEL="renamed")
    score(INPUT="own.parquet", OUTPUT="b.csv", MODEL="renamed")

    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_what_fails_before_a_row_is_scored_leaves_nothing(rows, score):
    pq.write_table(rows, "p1.parquet")
    Path("p2.parquet").write_text("broken")
    with pytest.raises(errors.UnreadableFile):
        score(INPUT="p*.parquet", OUTPUT="out.parquet")
    assert not Path(".out.parquet.unfinished").exists()
    assert not Path("out.parquet").exists()


# errors


def renamed(table, old, new):
    return table.rename_columns([new if n == old else n for n in table.column_names])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda t: renamed(t, "age", "aeg"), "ColumnsMissing", r"column missing: age \(did you"),
        (lambda t: t.append_column("age ", t["age"]), "DoubledColumn", "'age'"),
        (lambda t: t.slice(0, 0), "NoCustomers", r"in\.parquet: it holds no customers"),
        (
            lambda t: t.set_column(1, "age", [[[1]] * len(t)]),
            "UnusableColumn",
            "column age is of type list",
        ),
        (
            lambda t: t.set_column(1, "age", [["2020-01-01"] * len(t)]),
            "NothingScorable",
            'none of the first 300 rows can be scored, such as: age: "2020-01-01" is no number',
        ),
    ],
)
def test_an_input_that_is_another_one_is_told(rows, score, change, error, said):
    pq.write_table(change(rows), "in.parquet")

    with pytest.raises(getattr(errors, error), match=said) as raised:
        score(INPUT="in.parquet", OUTPUT="out.parquet")

    assert len(str(raised.value).splitlines()) == 1
    assert sorted(one.name for one in Path().iterdir()) == ["in.parquet"]


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", "EmptyInput", "holds no customers"),
        (b"a;b\n1;2\n", "UnreadableFile", "separated by ';'"),
        (b"a\0b\n", "UnreadableFile", "binary"),
        (b"\xff\xfe\n\xff\n", "UnreadableFile", "csv"),
        (",".join(CUST001).encode() + b'\n"1\n2\n', "UnreadableFile", "Expected 6 columns"),
    ],
)
def test_text_that_is_no_table_is_told(score, tmp_path, content, error, said):
    (tmp_path / "in.csv").write_bytes(content)
    with pytest.raises(getattr(errors, error), match=said):
        score(INPUT="in.csv", OUTPUT="out.parquet")


def test_a_value_that_swallows_the_rows_after_it_stops_the_run(rows, score):
    pa.csv.write_csv(plain(rows), "in.csv")
    lines = Path("in.csv").read_text().splitlines()
    lines[5] = (
        lines[5].replace('"Fiber"', '"Fiber').replace('"DSL"', '"DSL').replace('"None"', '"N')
    )
    Path("in.csv").write_text("\n".join(lines))
    with pytest.raises(ChurnError):
        score(INPUT="in.csv", OUTPUT="out.parquet")
    assert not Path("out.parquet").exists()


def test_databases_that_do_not_answer_are_told_without_a_password(rows, score, any_database):
    Path(any_database.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    put_into(any_database, rows)

    with pytest.raises(errors.NoSuchTable, match="did you mean 'customers'") as raised:
        score(INPUT=f"{any_database}#customer", OUTPUT="out.parquet")
    assert "secret" not in str(raised.value)
    with pytest.raises(errors.DatabaseRefused, match="syntax"):
        score(INPUT=any_database, QUERY="SELECT FROM FROM customers", OUTPUT="out.parquet")
    with pytest.raises(errors.DatabaseRefused):
        score(INPUT=any_database, QUERY="DELETE FROM customers", OUTPUT="out.parquet")
    assert len(selected(any_database, "SELECT * FROM customers")) == 300


@pytest.mark.parametrize("kind", ["new_database", "new_mysql_database"])
def test_wrong_credentials_are_told(rows, score, kind, request):
    given = make_url(request.getfixturevalue(kind)())
    changed = given.set(username="nobody", password="guessed")  # noqa: S106 - of nobody
    wrong = changed.render_as_string(hide_password=False)
    for places in (
        {"INPUT": f"{wrong}#t", "OUTPUT": "o.csv"},
        {"INPUT": "in.parquet", "OUTPUT": f"{wrong}#t"},
    ):
        with pytest.raises(errors.DatabaseRefused, match="nobody") as raised:
            score(**places)
        assert "guessed" not in str(raised.value)


def test_a_file_of_a_database_that_is_not_there_is_not_made(score):
    with pytest.raises(errors.NoSuchInput, match=r"none\.db"):
        score(INPUT="sqlite:///none.db#customers", OUTPUT="out.parquet")
    assert not Path("none.db").exists()
    with pytest.raises(errors.UnusableDatabaseUrl, match=r"^INPUT: oracle is not supported"):
        score(INPUT="oracle://host/db#customers", OUTPUT="out.parquet")
    with pytest.raises(errors.UnusableDatabaseUrl, match=r"^INPUT: no option 'local_infile'; th"):
        score(INPUT="mysql://host/db?local_infile=1#customers", OUTPUT="out.parquet")


def test_a_disk_that_is_full_leaves_what_was_there(rows, score):
    pq.write_table(rows, "p1.parquet")
    Path("out.parquet").write_text("from yesterday")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        with pytest.raises(errors.CannotWrite, match="RESUME=1"):
            score(INPUT="p1.parquet", OUTPUT="out.parquet", FORCE=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert Path("out.parquet").read_text() == "from yesterday"


@pytest.mark.parametrize(
    ("variables", "error", "said"),
    [
        ({"OUTPUT": "o.csv"}, "NotGiven", "INPUT is not set"),
        ({"INPUT": "in.parquet"}, "NotGiven", "OUTPUT is not set"),
        ({"INPUT": "in.xlsx", "OUTPUT": "o.csv"}, "UnknownPlace", r"INPUT=in\.xlsx: it is neither"),
        ({"INPUT": "in.parquet", "OUTPUT": "o.csv.gz"}, "UnknownPlace", "OUTPUT="),
        ({"INPUT": "in.parquet", "OUTPUT": "sqlite:///o.db"}, "UnknownPlace", "OUTPUT="),
        ({"INPUT": "in.parquet", "OUTPUT": "o.csv", "EXPLAIN": "51"}, "NotAllowed", "EXPLAIN=51"),
        ({"INPUT": "in.parquet", "OUTPUT": "o.csv", "EXPLAIN": "٣"}, "NotAllowed", "EXPLAIN"),
        ({"INPUT": "in.parquet", "OUTPUT": "o.csv", "QUERY": "q"}, "NotAllowed", "QUERY=q"),
        ({"INPUT": "sqlite:///i.db", "OUTPUT": "o.csv"}, "NotAllowed", "INPUT=.* table behind it"),
        ({"INPUT": ".", "OUTPUT": "o.csv"}, "FolderGiven", r"a pattern such as \./\*\.parquet"),
        ({"INPUT": "sqlite:///i.db#t", "OUTPUT": "o.csv", "QUERY": "q"}, "NotAllowed", "QUERY=q"),
        ({"INPUT": "im.parquet", "OUTPUT": "o.csv"}, "NoSuchInput", r"did you mean 'in\.parquet'"),
        ({"INPUT": "x*.parquet", "OUTPUT": "o.csv"}, "NoSuchInput", r"x\*\.parquet"),
        ({"INPUT": "in.parquet", "OUTPUT": "in.parquet", "FORCE": "1"}, "NotAllowed", "OUTPUT="),
        ({"INPUT": "in.parquet", "OUTPUT": "o.csv", "MODEL": "v9.9.9"}, "ModelNotFound", "v9"),
    ],
)
def test_what_is_not_allowed_is_told(rows, score, variables, error, said):
    with pytest.raises(getattr(errors, error), match=said):
        score(**variables)
    assert sorted(one.name for one in Path().iterdir()) == ["in.parquet"]


def test_the_folder_of_what_is_unfinished_is_for_its_owner_alone(rows, score):
    pq.write_table(rows, "p1.parquet")
    Path("out.parquet").mkdir()
    with pytest.raises(ChurnError):
        score(INPUT="p1.parquet", OUTPUT="out.parquet", FORCE=1)
    assert stat.S_IMODE(Path(".out.parquet.unfinished").stat().st_mode) == 0o700
