"""How long bodies are kept: once a day the old ones go."""

from datetime import timedelta
from typing import Final

from libs.common.db.work import Tx
from libs.common.logs import get_logger
from services.intake.store.deliveries import PRUNE_AT_ONCE, prune
from services.intake.store.drop_in import prune_alerts
from services.intake.store.mail import forget_marks
from services.intake.store.signed import forget_signed

log = get_logger(__name__)

PRUNE: Final = "prune"
"""The kind and the key of the timer."""

EVERY: Final = timedelta(hours=24)


async def plan(tx: Tx) -> None:
    """Have the first pruning be due, unless one is planned."""
    if await tx.scheduled(PRUNE, PRUNE) is None:
        await tx.schedule(PRUNE, PRUNE, tx.now + EVERY)


async def drop_old(tx: Tx, keep: timedelta) -> None:
    """Delete bodies that are older than ``keep``, and plan the next time: at once where more may be left."""
    dropped = max(await prune(tx, tx.now - keep), await prune_alerts(tx, tx.now - keep, PRUNE_AT_ONCE))
    await forget_marks(tx, tx.now - keep)
    await forget_signed(tx, tx.now - keep)
    if dropped:
        log.info("old bodies deleted", count=dropped)
    again = timedelta(0) if dropped >= PRUNE_AT_ONCE else EVERY
    await tx.schedule(PRUNE, PRUNE, tx.now + again)
