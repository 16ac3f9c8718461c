"""Maintenance that recurs: the newest announcement of each event, and what was announced of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "maintenance_series",
        sa.Column("integration_id", sa.Text, sa.ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("series", sa.Text, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, sa.ForeignKey("deliveries.id"), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("stamp", sa.DateTime(timezone=True)),
        sa.Column("told", JSONB, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("maintenance_series_delivery_id_idx", "maintenance_series", ["delivery_id"])
