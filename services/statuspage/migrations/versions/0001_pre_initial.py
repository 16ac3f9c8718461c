import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.migrate import common_v1

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    common_v1(op)
    _incidents()
    _deliveries()
    _directory()
    _sessions()


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column(
            "revision",
            sa.BigInteger,
            nullable=False,
            comment="Grows with all that is shown of it, messages included.",
        ),
        sa.Column("body", JSONB, nullable=False),
    )
    op.create_index("incidents_opened_at_idx", "incidents", ["opened_at"])
    op.create_index("incidents_changed_at_idx", "incidents", ["changed_at"])
    op.create_table(
        "lines",
        sa.Column("id", sa.Uuid, primary_key=True, comment="A digest of the fact: a repeat is the same line."),
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("actor", JSONB, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("update", JSONB, nullable=True),
    )
    op.create_index("lines_incident_id_at_idx", "lines", ["incident_id", "at"])


def _deliveries() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("rung", sa.Integer, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("addressees", JSONB, nullable=False),
        sa.Column("skipped", JSONB, nullable=False),
        sa.Column("exhausted", sa.Text, nullable=False),
    )
    op.create_index("notifications_subject_id_idx", "notifications", ["subject_id"])
    words = ("provider", "provider_id", "address", "reason", "detail", "headline", "text", "why")
    op.create_table(
        "messages",
        sa.Column("notification_id", sa.Uuid, primary_key=True),
        sa.Column("recipient", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("rung", sa.Integer, nullable=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("backup_for", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in words),
        sa.Column("retry_at", INSTANT, nullable=True),
    )
    op.create_index("messages_subject_id_idx", "messages", ["subject_id"])
    op.create_index("messages_at_idx", "messages", ["at"])


def _directory() -> None:
    op.create_table(
        "entries",
        sa.Column("noun", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("removed", sa.Boolean, nullable=False),
        sa.Column("first_at", INSTANT, nullable=False, comment="When it was first heard of."),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("body", JSONB, nullable=False),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text, primary_key=True, comment="SHA-256 of the cookie."),
        sa.Column("principal_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_index("sessions_expires_at_idx", "sessions", ["expires_at"])
    op.create_table(
        "used_tokens",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("used_at", INSTANT, nullable=False),
    )
