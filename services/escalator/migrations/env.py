"""Alembic's entry to the escalator's migrations."""

from libs.common.db.alembic_env import run

run()
