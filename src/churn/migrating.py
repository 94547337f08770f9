"""Bringing the tables of the prediction log to this code's version, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from churn.database import WRITES, engine_of, parsed, reachable

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


def migrate(url: str) -> None:
    """Make or change the tables; nothing happens where they are as they should be.

    Several processes may do so at once: one does it, the others wait and find it done. Threads of
    one process may not; Alembic has one context for all.

    Args:
        url: as `churn.database.database_url` gives it.
    Raises:
        UnusableDatabaseUrl, LogUnreachable.
    """
    engine = engine_of(parsed(url))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with reachable(engine.url), engine.execution_options(**WRITES).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
