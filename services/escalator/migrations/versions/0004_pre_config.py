from alembic import op

from libs.common.config_store import config_tables_v1

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    config_tables_v1(op)
