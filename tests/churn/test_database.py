"""The address of the prediction log: what is understood, and that no password is ever shown."""

from __future__ import annotations

import pytest

from churn.database import database_url, parsed, shown
from churn.errors import LogUnreachable, UnusableDatabaseUrl, UnusablePasswordFile
from churn.prediction_log import PredictionLog


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "sqlite:///predictions/log.db"),
        (" ", "sqlite:///predictions/log.db"),
        ("sqlite:////var/log.db", "sqlite:////var/log.db"),
        ("postgres://me:s%40cret@db:5432/churn", "postgresql+psycopg://me:s%40cret@db:5432/churn"),
        ("postgresql://db/churn\n", "postgresql+psycopg://db/churn"),
        ("postgresql+psycopg://db/churn", "postgresql+psycopg://db/churn"),
        (
            "postgresql:///churn?host=/run/postgresql&sslmode=require",
            "postgresql+psycopg:///churn?host=%2Frun%2Fpostgresql&sslmode=require",
        ),
    ],
)
def test_the_usual_addresses_are_understood(given, url):
    assert database_url({} if given is None else {"DATABASE_URL": given}) == url


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("hunter2", "it is no address of a database"),
        ("postgresql://me:hunter2@db:port/churn", "it is no address of a database"),
        ("mysql://me:hunter2@db/churn", "mysql is not supported"),
        ("postgresql+psycopg2://me:hunter2@db/churn", r"postgresql\+psycopg2 is not supported"),
        ("sqlite://", "sqlite needs a file"),
        ("sqlite:///:memory:", "sqlite needs a file"),
        ("sqlite:///log.db?mode=ro", "sqlite takes no options"),
        ("postgresql://me:hunter2@db/churn?ssl=on", 'invalid connection option "ssl"'),
    ],
)
def test_another_address_is_refused_without_its_password(given, problem):
    message = f"^DATABASE_URL: {problem}.*Give postgresql://user:password@host:5432/name or "
    with pytest.raises(UnusableDatabaseUrl, match=message) as caught:
        database_url({"DATABASE_URL": given})
    assert "hunter2" not in str(caught.value)


def test_the_password_may_be_in_a_file(tmp_path):
    file = tmp_path / "password"
    file.write_text("p@ss/word %40\n")
    found = database_url(
        {"DATABASE_URL": "postgresql://me@db/churn", "DATABASE_PASSWORD_FILE": str(file)}
    )
    assert parsed(found).password == "p@ss/word %40"  # noqa: S105 - nobody's
    # A file of a database has none.
    told = {"DATABASE_URL": "sqlite:////var/log.db", "DATABASE_PASSWORD_FILE": str(file)}
    assert database_url(told) == "sqlite:////var/log.db"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "it cannot be read .*No such file"),
        (b"", "it has 0 lines"),
        (b"one\ntwo\n", "it has 2 lines"),
        (b"\xff", "it cannot be read .*utf-8"),
    ],
)
def test_a_file_without_a_password_is_refused(content, problem, tmp_path):
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusablePasswordFile, match=f"password: {problem}.*on one line"):
        database_url({"DATABASE_URL": "postgresql://db/c", "DATABASE_PASSWORD_FILE": str(file)})


def test_an_address_is_shown_without_password_and_options():
    url = parsed("postgres://me:hunter2@db/churn?host=other&password=hunter2&application_name=x")
    assert shown(url) == "postgresql://me:***@db/churn?host=other"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hunter2@127.0.0.1:9/churn",
        "postgresql://me@127.0.0.1:9/churn?password=hunter2",
    ],
)
def test_a_database_that_is_away_is_told_without_password(address):
    with pytest.raises(LogUnreachable, match="Connection refused") as caught:
        PredictionLog.open(address)
    assert "hunter2" not in str(caught.value)
