import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "drop_in_alerts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tiny_id", sa.BigInteger, sa.Identity(), nullable=False, unique=True),
        sa.Column("integration_id", sa.Text, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("actions", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("details", JSONB, nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("updated_at", instant, nullable=False),
        sa.Column("last_at", instant, nullable=False),
        sa.Column("acknowledged_at", instant, nullable=True),
        sa.Column("closed_at", instant, nullable=True),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.CheckConstraint("status IN ('open', 'closed')", name="drop_in_alerts_status_check"),
    )
    op.create_index(
        "drop_in_alerts_open_idx",
        "drop_in_alerts",
        ["integration_id", "alias"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("drop_in_alerts_integration_id_created_at_idx", "drop_in_alerts", ["integration_id", "created_at"])
    op.create_index("drop_in_alerts_updated_at_idx", "drop_in_alerts", ["updated_at"])
    op.create_table(
        "drop_in_calls",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, sa.ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
        sa.Column("integration_id", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Uuid, nullable=True),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("processed_at", instant, nullable=False),
    )
    op.create_index("drop_in_calls_delivery_id_idx", "drop_in_calls", ["delivery_id"])
