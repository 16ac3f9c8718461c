"""Alembic's entry: the same for every service."""

from libs.common.db.alembic_env import run

run()
