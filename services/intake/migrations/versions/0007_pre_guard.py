"""Signed deliveries, so that none is taken twice."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "signed_deliveries",
        sa.Column("integration_id", sa.Text, primary_key=True),
        sa.Column("once", sa.Text, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("signed_deliveries_received_at_idx", "signed_deliveries", ["received_at"])
