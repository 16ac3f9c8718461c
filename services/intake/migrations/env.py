"""Intake's migrations, run by Alembic."""

from libs.common.db.alembic_env import run

run()
