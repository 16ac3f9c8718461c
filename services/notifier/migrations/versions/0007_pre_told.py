from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index("attempts_recipient_ref_idx", "attempts", ["recipient_ref", "created_at"])
