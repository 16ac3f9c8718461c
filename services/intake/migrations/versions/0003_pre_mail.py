"""Which messages were taken, and how far each mailbox is read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "mail_messages",
        sa.Column("integration_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("delivery_id", sa.Uuid, nullable=False),
        sa.Column("received_at", instant, nullable=False),
    )
    op.create_index("mail_messages_received_at_idx", "mail_messages", ["received_at"])
    op.create_table(
        "mailboxes",
        sa.Column("integration_id", sa.Text, sa.ForeignKey("integrations.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("validity", sa.BigInteger, nullable=False),
        sa.Column("last_uid", sa.BigInteger, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
    )
