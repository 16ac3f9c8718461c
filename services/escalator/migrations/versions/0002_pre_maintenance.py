"""Scheduled maintenance as a record of its own, and what senders said last of what they announced."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "maintenances",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("incident_id", sa.Uuid, nullable=False),
        sa.Column("integration_id", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=True),
        sa.Column("services", ARRAY(sa.Text), nullable=False),
        sa.Column("tenants", ARRAY(sa.Text), nullable=False),
        sa.Column("assigned_team", sa.Text, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("announced_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="maintenances_pkey"),
        sa.UniqueConstraint("incident_id", name="maintenances_incident_id_key"),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name="maintenances_incident_id_fkey"),
    )
    op.create_index("maintenances_integration_id_external_id_idx", "maintenances", ["integration_id", "external_id"])
    op.create_index(
        "maintenances_running_services_idx",
        "maintenances",
        ["services"],
        postgresql_using="gin",
        postgresql_where=sa.text("state IN ('planned', 'running')"),
    )
    op.add_column(
        "alerts",
        sa.Column(
            "said", JSONB, nullable=True, comment="The newest trigger of it, where what was announced may be moved."
        ),
    )
    op.add_column(
        "alerts",
        sa.Column(
            "collected",
            sa.Boolean,
            nullable=False,
            server_default=sa.false(),
            comment="It fires under a maintenance that runs, and does not hold it open.",
        ),
    )
