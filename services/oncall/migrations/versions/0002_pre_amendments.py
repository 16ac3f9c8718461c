"""Overrides, temporary spans, swaps and absences."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "amendments",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("rota", sa.Text, nullable=False),
        sa.Column("starts_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("made_at", instant, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
    )
    op.create_index("amendments_ends_at_idx", "amendments", ["ends_at"])
    op.create_unique_constraint("amendments_rota_kind_digest_key", "amendments", ["rota", "kind", "digest"])
