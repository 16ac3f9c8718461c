"""What was derived from bodies, replays, and what became of what was in quarantine."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "triggers",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("received_at", instant, nullable=False),
        sa.Column("integration_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("dedup_key", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=True),
        sa.Column("tool", sa.Text, nullable=True),
        sa.Column("provider", sa.Text, nullable=True),
        sa.Column("tenants", JSONB, nullable=False),
        sa.Column("derived", JSONB, nullable=False),
    )
    op.add_column("deliveries", sa.Column("replay_of", sa.Uuid, nullable=True))
    replays = sa.text("replay_of IS NOT NULL")
    op.create_index("deliveries_replay_of_idx", "deliveries", ["replay_of"], postgresql_where=replays)
    op.add_column("quarantine", sa.Column("state", sa.Text, nullable=False, server_default="waiting"))
    op.add_column("quarantine", sa.Column("settled_at", instant, nullable=True))
    op.add_column("quarantine", sa.Column("settled_by", JSONB, nullable=True))
    op.add_column("quarantine", sa.Column("note", sa.Text, nullable=False, server_default=""))
    op.add_column("quarantine", sa.Column("led_to", sa.Uuid, nullable=True))
    states = "state IN ('waiting', 'dismissed', 'replayed', 'opened')"
    op.create_check_constraint("quarantine_state_check", "quarantine", states)
