"""Calendar feeds, and calendars that are read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "feeds",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("noun", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("alarm_minutes", sa.Integer, nullable=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
    )
    op.create_unique_constraint("feeds_digest_key", "feeds", ["digest"])
    op.create_table(
        "calendars",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("rota", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("person", sa.Text, nullable=True),
        sa.Column("url", sa.Text, nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("read_at", instant, nullable=False),
        sa.Column("problem", sa.Text, nullable=True),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
    )
