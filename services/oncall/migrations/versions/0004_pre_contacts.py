"""Codes that prove that a contact reaches its person."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "verifications",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("code_id", sa.Uuid, nullable=True),
        sa.Column("digest", sa.Text, nullable=True),
        sa.Column("asked_at", instant, nullable=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("counted_from", instant, nullable=True),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("verified_at", instant, nullable=True),
        sa.Column("verified_by", sa.Text, nullable=True),
    )
