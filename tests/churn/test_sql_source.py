"""Tables and queries of real servers as a source of customers, and what goes wrong there."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from churn import errors
from churn.contract import Contract
from churn.reading import rows
from churn.reading.databases import url_of
from churn.settings import ReadSettings, SqlSource
from churn.sources import take_snapshot
from tests import taken
from tests.taken import Taken

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "id": "customer",
        "target": {"column": "gone", "positive": "Yes", "negative": "No"},
        "rename": {"Left": "gone"},
        "columns": {
            "age": {"type": "integer"},
            "bill": {"type": "number"},
            "member": {"type": "boolean"},
            "plan": {"type": "category"},
        },
    }
)
NONE = {"history": "conf/source/none/history", "current": "conf/source/none/current"}
ALL_OF = (
    "SELECT customer, 'No' AS gone, {} AS age, 1 AS bill, 1 AS member, {} AS plan FROM customers"
)
ENDLESS = "SELECT found.* FROM ({}) AS found, {}"
# Connections beside one's own; PostgreSQL ends them at once.
OTHERS = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist "
    "WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
PLANS = ["Überall", "Basic %d", "", None, 'say "yes"']


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Of the database."""
    found: str = request.param
    return found


@pytest.fixture
def address(kind: str, request: pytest.FixtureRequest) -> str:
    """Of a database with the table `customers`, password and all."""
    names = {"postgresql": "new_database", "mysql": "new_mysql_database"}
    found: str = request.getfixturevalue(names[kind])()
    statement = "INSERT INTO customers VALUES (:id, :left, :age, :bill, :member, :plan, :since)"
    given = [
        {
            "id": f"C{i}",
            "left": "Yes" if i % 2 else "No",
            "age": None if i == 3 else 20 + i,
            "bill": Decimal(i) / 4,
            "member": i % 3 == 0,
            "plan": PLANS[i % 5],
            "since": date(2026, 1, 1),
        }
        for i in range(25)
    ]
    quote = '"' if kind == "postgresql" else "`"
    engine = create_engine(url_of(found, "test"))
    with engine.begin() as connection:
        connection.execute(
            text(
                f"CREATE TABLE customers (customer VARCHAR(20), {quote}Left{quote} VARCHAR(9), "
                "age INTEGER, bill DECIMAL(10, 2), member BOOLEAN, plan TEXT, since DATE)"
            )
        )
        connection.execute(text(statement), given)
    engine.dispose()
    return found


@pytest.fixture
def url(address: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address without the password, which is where the tools look for it."""
    given = make_url(address)
    variable = "PGPASSWORD" if kind == "postgresql" else "MYSQL_PWD"
    monkeypatch.setenv(variable, given.password or "")
    return re.sub(r":[^:@/]*@", "@", address)


def take(url: str, read: str, part: str = "history", contract: Contract = CONTRACT) -> Taken:
    both = ReadSettings(history=read, current=read)
    return taken.take(SqlSource(kind="sql", url=url, read=both, **NONE), contract, part)


def engine_of(address: str) -> Engine:
    return create_engine(url_of(address, "test"))


def test_a_table_is_read_as_text_and_told_in_the_manifest(url: str, kind: str, monkeypatch):
    # Given fewer rows at a time than there are,
    monkeypatch.setattr(rows, "FETCHED", 7)

    read = take(url, "customers")

    assert read.table.num_rows == 25
    first = sorted(read.table.to_pylist(), key=lambda one: int(one["customer"][1:]))[:4]
    member = ("True", "False") if kind == "postgresql" else ("1", "0")
    assert first[0] == {
        "customer": "C0", "gone": "No", "age": "20", "bill": "0.00", "member": member[0],
        "plan": "Überall",
    }  # fmt: skip
    assert first[3] == {
        "customer": "C3", "gone": "Yes", "age": None, "bill": "0.75", "member": member[0],
        "plan": None,
    }  # fmt: skip
    told = dict(read.description)
    assert re.fullmatch("[0-9a-f]{64}", told.pop("sha256"))
    assert told == {
        "source": "sql",
        "address": url,
        "table": "customers",
        "ignored_columns": ["since"],
        "rows": 25,
        "columns": ["customer", "gone", "age", "bill", "member", "plan"],
    }


def test_a_query_gives_the_same_hash_for_the_same_rows_in_the_same_order(url: str, monkeypatch):
    query = "SELECT * FROM customers WHERE plan <> ':x %s' OR plan IS NULL ORDER BY age, customer"
    whole = take(url, query)
    monkeypatch.setattr(rows, "FETCHED", 4)
    again = take(url, query)
    other = take(url, query.replace("ORDER BY age,", "ORDER BY"))

    assert whole.description["query"] == query
    assert whole.description["ignored_columns"] == ["since"]
    assert again.description == whole.description
    assert again.table.equals(whole.table)
    assert other.description["sha256"] != whole.description["sha256"]


def test_recent_customers_need_no_outcome(url: str):
    read = take(url, "SELECT customer, age, bill, member, plan FROM customers", "current")
    assert read.table.column_names == ["customer", "age", "bill", "member", "plan"]


def test_what_is_wrong_is_told_in_one_line_without_the_password(url: str, address: str, kind: str):
    sleep = "pg_sleep(30)" if kind == "postgresql" else "SLEEP(30)"
    patient = {
        "postgresql": "?options=-c%20statement_timeout%3D300",
        "mysql": "?read_timeout=1",
    }[kind]
    wrong = make_url(url).set(username="guest").render_as_string()
    elsewhere = make_url(url).set(port=1).render_as_string()
    for where, read, error, said in (
        (url, "customer", errors.NoSuchTable, r"no table 'customer' \(did you mean 'customers'\?"),
        (url, "SELECT * FROM customers WHERE 1 = 2", errors.NoCustomers, "holds no customers"),
        (url, "SELECT FROM FROM x", errors.DatabaseRefused, "syntax.*Correct the query"),
        (url, "DELETE FROM customers WHERE 1 = 1", errors.DatabaseRefused, "(?i)read.only|syntax"),
        (url, "SELECT customer, age FROM customers", errors.MissingColumn, "column missing: Left"),
        (
            url,
            ALL_OF.format("plan", "plan"),
            errors.WrongColumnType,
            "column age: .*such as 'Überall'",
        ),
        (f"{url}{patient}", f"SELECT {sleep} AS age", errors.DatabaseRefused, "(?i)time"),
        (wrong, "customers", errors.DatabaseRefused, "guest"),
        (elsewhere, "customers", errors.DatabaseRefused, "(?i)refused|can't connect"),
    ):
        with pytest.raises(error, match=said) as raised:
            take(where, read)
        assert "secret" not in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1
    engine = engine_of(address)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM customers")).scalar_one() == 25
    engine.dispose()


def endless(age: str) -> str:
    """A query of more rows than any test would wait for."""
    rest = [f"customers AS other_{number}" for number in range(8)]
    return ENDLESS.format(ALL_OF.format(age, "plan"), ", ".join(rest))


def test_a_wrong_value_is_told_before_the_rest_is_fetched(url: str):
    with pytest.raises(errors.WrongColumnType, match="age"):
        take(url, endless("'old'"))


def test_a_connection_that_ends_among_the_rows_is_told(url: str, address: str, kind: str):
    read = ReadSettings(history=endless("30"), current=endless("30"))
    source = SqlSource(kind="sql", url=url, read=read, **NONE)
    tables = iter(take_snapshot(source, CONTRACT, "history", Path()).tables())
    assert next(tables).num_rows
    engine = engine_of(address)
    with engine.connect() as connection:
        others = connection.execute(text(OTHERS[kind])).scalars().all()
        for one in others if kind == "mysql" else ():
            connection.execute(text(f"KILL {one}"))
    engine.dispose()
    assert others
    with pytest.raises(errors.DatabaseRefused) as told:
        for _ in tables:
            pass
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)


def test_bytes_are_no_values(url: str, kind: str):
    some = "decode('00ff', 'hex')" if kind == "postgresql" else "0x00ff"
    with pytest.raises(errors.UnusableColumn, match="column plan is of type bytes"):
        take(url, ALL_OF.format("1", some))


def test_a_password_may_be_in_a_file_of_ones_own(
    url: str, address: str, kind: str, tmp_path, monkeypatch
):
    given = make_url(address)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.delenv("MYSQL_PWD", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    files = {
        "postgresql": (".pgpass", f"*:*:*:*:{given.password}\n"),
        "mysql": (".my.cnf", f"[client]\npassword={given.password or ''}\n"),
    }
    name, content = files[kind]
    (tmp_path / name).write_text(content)
    (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / ".pgpass"))
    assert take(url, "customers").table.num_rows == 25
