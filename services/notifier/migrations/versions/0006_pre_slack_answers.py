import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("attempts", sa.Column("edit_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("attempts", sa.Column("edits", sa.Integer, server_default=sa.text("0"), nullable=False))
    op.create_index(
        "attempts_edit_due_idx", "attempts", ["edit_due_at"], postgresql_where=sa.text("edit_due_at is not null")
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slack", JSONB, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
