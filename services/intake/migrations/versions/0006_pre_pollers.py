"""The pages of providers that are asked: when, by whom, and what is known of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "pollers",
        sa.Column("integration_id", sa.Text, sa.ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("options_digest", sa.Text, nullable=False),
        sa.Column("due_at", instant, nullable=False),
        sa.Column("claim", sa.Uuid),
        sa.Column("claimed_until", instant),
        sa.Column("validators", JSONB, nullable=False),
        sa.Column("items", JSONB, nullable=False),
        sa.Column("refused", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failing_since", instant),
        sa.Column("told_as", sa.Uuid),
        sa.Column("polled_at", instant),
        sa.Column("last_ok_at", instant),
        sa.Column("last_changed_at", instant),
    )
    op.create_index("pollers_due_at_idx", "pollers", ["due_at"])
