from libs.common.db.alembic_env import run

run()
