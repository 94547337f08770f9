"""Runs the migrations in the transaction that `churn.migrating` has begun."""

from alembic import context
from sqlalchemy import func, select

from churn.prediction_log_schema import LOCK, metadata

connection = context.config.attributes["connection"]
if connection.dialect.name == "postgresql":
    # Held until the transaction ends. In SQLite the transaction itself keeps the others waiting.
    connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()
