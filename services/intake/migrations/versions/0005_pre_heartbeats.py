"""Heartbeats that are expected every so often."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "heartbeats",
        sa.Column("integration_id", sa.Text, sa.ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("every", sa.Interval, nullable=False),
        sa.Column("grace", sa.Interval, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("since", instant, nullable=True),
        sa.Column("last_at", instant, nullable=True),
        sa.Column("missing_since", instant, nullable=True),
        sa.Column("said", JSONB, nullable=False),
    )
