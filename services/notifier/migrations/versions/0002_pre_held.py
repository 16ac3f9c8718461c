"""What waits for the end of quiet hours."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "held",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("recipient_ref", sa.Text, nullable=False),
        sa.Column("held_at", instant, nullable=False),
        sa.Column("until", instant, nullable=False),
        sa.Column("fate", sa.Text, nullable=True),
        sa.Column("words", sa.Text, nullable=True),
        sa.Column("settled_at", instant, nullable=True),
    )
    op.create_index("held_notification_id_idx", "held", ["notification_id"])
    op.create_index("held_recipient_ref_idx", "held", ["recipient_ref", "subject_id"])
