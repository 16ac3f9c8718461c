"""Incidents, alerts, timeline, obligations, who was reached, updates, policies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from libs.common.db.migrate import common_v1

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    common_v1(op)
    op.execute(sa.schema.CreateSequence(sa.Sequence("incident_number")))
    op.create_table(
        "incidents",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=True),
        sa.Column("tenants", ARRAY(sa.Text), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("plan", JSONB, nullable=False, comment="The clocks, and how the ladder repeats, as of its opening."),
        sa.PrimaryKeyConstraint("id", name="incidents_pkey"),
        sa.UniqueConstraint("number", name="incidents_number_key"),
    )
    op.create_index("incidents_state_number_idx", "incidents", ["state", "number"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("integration_id", sa.Text, nullable=False),
        sa.Column("dedup_key", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("firing", sa.Boolean, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("triggers", sa.Integer, nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="alerts_pkey"),
        _of_incident("alerts"),
    )
    op.create_index("alerts_incident_id_idx", "alerts", ["incident_id"])
    op.create_index(
        "alerts_one_open_incident_idx",
        "alerts",
        ["integration_id", "dedup_key"],
        unique=True,
        postgresql_where=sa.text("open"),
    )
    op.create_table(
        "timeline",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("actor", JSONB, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=True),
        sa.Column("details", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="timeline_pkey"),
        _of_incident("timeline"),
        sa.UniqueConstraint("incident_id", "version", name="timeline_incident_id_version_key"),
    )
    _create_communication()
    op.create_table(
        "policies",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("body", JSONB, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="policies_pkey"),
    )


def _create_communication() -> None:
    op.create_table(
        "obligations",
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("owed_by", sa.Text, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("every", sa.Interval, nullable=False),
        sa.Column("last_sent_at", INSTANT, nullable=True),
        sa.Column("late_by", sa.Interval, nullable=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "kind", name="obligations_pkey"),
        _of_incident("obligations"),
    )
    op.create_index("obligations_due_at_idx", "obligations", ["due_at"])
    op.create_table(
        "reached",
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "ref", name="reached_pkey"),
        _of_incident("reached"),
    )
    op.create_table(
        "updates",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("audiences", ARRAY(sa.Text), nullable=False),
        sa.PrimaryKeyConstraint("id", name="updates_pkey"),
        _of_incident("updates"),
    )
    op.create_index("updates_incident_id_at_idx", "updates", ["incident_id", "at"])


def _of_incident(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=f"{table}_incident_id_fkey")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward; restore a backup instead")
