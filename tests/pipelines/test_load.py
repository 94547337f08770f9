"""The stage `load` under DVC: it sees new files, and the last snapshot is never lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.checkout import Checkout

NONE = {"history": "conf/source/none/history", "current": "conf/source/none/current"}


def raw(checkout: Checkout) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (checkout.folder / "data/raw").iterdir()}


def rows(checkout: Checkout) -> int:
    return pq.read_metadata(checkout.folder / "data/raw/history.parquet").num_rows


def exported(checkout: Checkout) -> pa.Table:
    return pq.read_table(checkout.folder / "data/raw/history.parquet")


def source(checkout: Checkout, **values: object) -> None:
    checkout.change_params(lambda given: given.update(source=values))


def test_dvc_watches_a_folder_and_the_last_snapshot_stays(checkout: Checkout):
    # Given a folder of exports,
    table, folder = exported(checkout), checkout.folder / "incoming/2026"
    folder.mkdir(parents=True)
    pa.csv.write_csv(table.slice(0, 500), folder / "1.csv")
    source(checkout, **NONE | {"kind": "csv", "history": "incoming/2026", "pattern": "*.csv"})
    checkout.run("dvc", "repro", "-q", "load")
    assert rows(checkout) == 500
    before = raw(checkout)
    # when one comes that is not like the others,
    pa.csv.write_csv(table.slice(500).drop_columns("age"), folder / "2.csv")
    done = checkout.attempt("dvc", "repro", "load")
    # then DVC has seen it, and has the snapshot that was there;
    assert done.returncode != 0
    assert "error: incoming/2026/2.csv: column missing: age." in done.stderr
    checkout.run("dvc", "checkout", "-q")
    assert raw(checkout) == before
    # when it is mended, everything is read.
    pa.csv.write_csv(table.slice(500), folder / "2.csv")
    checkout.run("dvc", "repro", "-q", "load")
    assert exported(checkout).equals(table)


def test_a_database_that_has_lost_its_table_costs_no_snapshot(checkout: Checkout):
    table = exported(checkout)
    path = checkout.folder / "crm.db"
    marks = ", ".join("?" * table.num_columns)
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE customers ({', '.join(table.column_names)})")
        given = [tuple(one.values()) for one in table.to_pylist()]
        database.executemany(f"INSERT INTO customers VALUES ({marks})", given)  # noqa: S608
    database.close()
    read = {"history": "customers", "current": "SELECT * FROM customers LIMIT 7"}
    source(checkout, kind="sql", url="sqlite:///crm.db", read=read, **NONE)

    assert checkout.stage("load").returncode == 0
    before = raw(checkout)
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE customers RENAME TO clients")
    database.close()
    done = checkout.stage("load")

    assert b'"table": "customers"' in before["manifest.json"]
    assert done.returncode == 1
    assert done.stderr.startswith("error: sqlite:///crm.db: no table 'customers'")
    assert done.stderr.count("\n") == 1
    assert raw(checkout) == before


def test_no_password_gets_into_params(checkout: Checkout, tmp_path: Path):
    read = {"history": "customers", "current": None}
    for url in (
        "postgresql://me:guessed@host/crm",
        "postgresql://host/crm?password=guessed",
        "mysql://me:guessed@host/crm",
        "postgresql://me:s?guessed@host/crm",
    ):
        source(checkout, kind="sql", url=url, read=read, **NONE)
        done = checkout.stage("load")
        assert done.returncode == 1
        assert "source.url: a password is in the address" in done.stderr
        assert "guessed" not in done.stderr
    for address in ("https://me:guessed@host/a.csv", "s3://KEY:guessed@bucket/a.csv"):
        source(checkout, kind="remote", read={"history": address, "current": None}, **NONE)
        done = checkout.stage("load")
        assert "source.read: a name or password is in an address" in done.stderr
        assert "guessed" not in done.stderr
