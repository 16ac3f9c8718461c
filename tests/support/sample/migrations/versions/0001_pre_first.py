import sqlalchemy as sa
from alembic import op

from libs.common.config_store import config_tables_v1
from libs.common.db.migrate import common_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    common_v1(op)
    config_tables_v1(op)
    op.create_table(
        "notes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
