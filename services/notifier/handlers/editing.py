"""Has messages in Slack say that somebody acted, so that nobody presses a button for what is done."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.logs import get_logger
from services.notifier.channels.base import Accepted, Outcome, Retry
from services.notifier.domain.blocks import after_press
from services.notifier.domain.reply import Action
from services.notifier.domain.retry import PATIENT
from services.notifier.store import attempts as store
from services.notifier.store import edits
from services.notifier.store.tables import Attempt

log = get_logger(__name__)

EDITS_WAKE: Final = "edits"
"""Wakes editors: there is a message that may be due to be shown otherwise."""
MOST_EDITS: Final = 8
"""After so many tries in vain a message stays as it stands; its buttons still work, and do nothing twice."""


async def show(tx: Tx, subject_id: UUID, action: Action, said: str) -> None:
    """Have every message about the incident say ``said`` in place of the buttons that are of no use any more."""
    for attempt in await edits.lock_shown(tx.session, subject_id):
        before = attempt.blocks or []
        after = after_press(before, action, said)
        if after != before:
            attempt.blocks, attempt.edit_due_at, attempt.edits = after, tx.now, 0
            tx.wakes.add(EDITS_WAKE)


async def edited(tx: Tx, claimed: Attempt, outcome: Outcome) -> None:
    """Write down what came of showing a message as it was when it was ``claimed``."""
    attempt = await store.lock_attempt(tx.session, claimed.id)
    if attempt is None:
        return
    if attempt.blocks != claimed.blocks:  # changed meanwhile, and perhaps shown so before this older one arrived
        attempt.edit_due_at = tx.now
        tx.wakes.add(EDITS_WAKE)
        return
    attempt.edit_due_at = None
    if isinstance(outcome, Retry) and attempt.edits < MOST_EDITS:
        delay = PATIENT.delays[min(attempt.edits, len(PATIENT.delays)) - 1]
        attempt.edit_due_at = tx.now + max(delay, outcome.after or timedelta(0))
    reason = "shown" if isinstance(outcome, Accepted) else outcome.reason
    log.info("message edited", attempt=str(attempt.id), reason=reason, again=attempt.edit_due_at is not None)
