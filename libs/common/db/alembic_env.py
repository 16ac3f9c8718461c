"""What Alembic runs for every service. A service's ``migrations/env.py`` is three lines:

::

    from libs.common.db.alembic_env import run

    run()
"""

from alembic import context


def run() -> None:
    """Run the migrations on the connection that :mod:`libs.common.db.migrate` (the only one who starts Alembic) hands over."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=context.config.attributes["metadata"],
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
