"""What looks ahead saw, so that its owner is warned once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "doubts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("doubt", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("told_at", instant, nullable=True),
        sa.Column("urged_at", instant, nullable=True),
    )
