"""Predictions, divided into months on PostgreSQL, and their outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "predictions",
        sa.Column("prediction_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.String),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("will_churn", sa.Boolean, nullable=False),
        sa.Column("risk_level", sa.String, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.Column("latency_ms", sa.Double, nullable=False),
        postgresql_partition_by="RANGE (prediction_id)",
    )
    op.create_index(
        "predictions_customer_id_predicted_at", "predictions", ["customer_id", "predicted_at"]
    )
    op.create_index("predictions_predicted_at", "predictions", ["predicted_at"])
    op.create_table(
        "outcomes",
        sa.Column("prediction_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("churned", sa.Boolean, nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
    )
    op.create_index("outcomes_observed_at", "outcomes", ["observed_at"])


def downgrade() -> None:
    """Drop both, with all that is in them."""
    op.drop_table("outcomes")
    op.drop_table("predictions")
