import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.migrate import common_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    common_v1(op)
    _notifications()
    _attempts()
    _messages()


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]


def _notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        *_texts("purpose"),
        sa.Column("request", JSONB, nullable=False),
        sa.Column("exhausted", sa.Boolean, nullable=False, server_default=sa.text("false")),
        *_texts("withdrawn", nullable=True),
        _instant("taken_at"),
    )
    op.create_index("notifications_subject_id_idx", "notifications", ["subject_id"])


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("effect_key", sa.Text, nullable=False),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("incident_number", sa.Integer, nullable=True),
        sa.Column("tenants", JSONB, nullable=True),
        *_texts("purpose"),
        sa.Column("rung", sa.Integer, nullable=True),
        *_texts("obligation", nullable=True),
        *_texts("slot", "recipient_ref"),
        sa.Column("recipient", JSONB, nullable=False),
        sa.Column("contact", sa.Integer, nullable=False),
        *_texts("channel", "provider", "address", "headline", "text", "html", "why", "state"),
        *_texts("reason", nullable=True),
        *_texts("detail"),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        _instant("due_at", nullable=True),
        _instant("created_at"),
        _instant("first_tried_at", nullable=True),
        _instant("sent_at", nullable=True),
        _instant("confirmed_at", nullable=True),
        *_texts("provider_id", "traceparent", nullable=True),
        sa.UniqueConstraint("effect_key", name="attempts_effect_key_key"),
    )
    waiting = sa.text("state in ('queued', 'sending')")
    op.create_index("attempts_due_idx", "attempts", ["due_at"], postgresql_where=waiting)
    op.create_index("attempts_address_idx", "attempts", ["address", "created_at"])
    op.create_index("attempts_subject_id_idx", "attempts", ["subject_id", "created_at"])
    op.create_index("attempts_notification_id_idx", "attempts", ["notification_id"])
    known = sa.text("provider_id is not null")
    op.create_index("attempts_provider_id_idx", "attempts", ["provider_id"], postgresql_where=known)


def _messages() -> None:
    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("attempt_id", sa.Uuid, nullable=False),
        *_texts("channel", "address", "name", "headline", "text", "html"),
        _instant("taken_at"),
        sa.UniqueConstraint("attempt_id", name="outbox_messages_attempt_id_key"),
    )
    op.create_table(
        "replies",
        sa.Column("id", sa.Text, primary_key=True),
        *_texts("channel", "address", "text"),
        *_texts("action", nullable=True),
        sa.Column("subject_id", sa.Uuid, nullable=True),
        sa.Column("attempt_id", sa.Uuid, nullable=True),
        *_texts("answer"),
        _instant("at"),
    )
