"""The first tables of oncall."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.migrate import common_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    common_v1(op)
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "entries",
        sa.Column("noun", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("issued_at", instant, nullable=False),
        sa.Column("issued_by", sa.Text, nullable=False),
        sa.Column("expires_at", instant, nullable=True),
    )
    op.create_index("keys_principal_idx", "keys", ["principal"])
    op.create_table(
        "announced",
        sa.Column("noun", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=True),
        sa.Column("at", instant, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("at", instant, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("noun", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("before", JSONB, nullable=True),
        sa.Column("after", JSONB, nullable=True),
    )
    op.create_index("audit_noun_entity_idx", "audit", ["noun", "entity"])
