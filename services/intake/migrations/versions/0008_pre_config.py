from alembic import op

from libs.common.config_store import config_tables_v1

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    config_tables_v1(op)
