"""The migrations make the tables that the code names, once, whoever runs them and how often."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from churn.database import engine_of, parsed
from churn.errors import LogUnreachable
from churn.migrating import MIGRATIONS, migrate
from churn.prediction_log_schema import REVISION, metadata
from tests.checkout import ROOT


@pytest.fixture
def engine(any_database: str) -> Iterator[Engine]:
    """Engine of an empty database."""
    made = engine_of(parsed(any_database))
    yield made
    made.dispose()


def address_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_migrated_tables_are_those_of_the_code(engine: Engine):
    migrate(address_of(engine))
    migrate(address_of(engine))

    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION
        made = inspect(connection)
        indexes = {
            index["name"]: index["column_names"]
            for table in metadata.tables
            for index in made.get_indexes(table)
        }
    assert indexes == {
        "predictions_customer_id_predicted_at": ["customer_id", "predicted_at"],
        "predictions_predicted_at": ["predicted_at"],
        "outcomes_observed_at": ["observed_at"],
    }


def test_the_code_needs_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_replicas_may_migrate_at_once(new_database: Callable[[], str], monkeypatch):
    monkeypatch.setenv("DATABASE_URL", new_database())
    command = [sys.executable, "-m", "commands.migrate"]
    replicas = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [one.wait() for one in replicas] == [0, 0, 0]


def test_a_database_that_is_away_is_told():
    with pytest.raises(LogUnreachable, match=r"at postgresql://127.0.0.1:9/churn: .*refused"):
        migrate("postgresql://127.0.0.1:9/churn")
