from alembic import op

from libs.common.config_store import config_tables_v1

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    config_tables_v1(op)
