"""The communication promises at work: the timers that wait for them."""

from uuid import UUID

from libs.common.db.timers import DueTimer
from libs.common.events.base import ObligationKind
from libs.common.events.incidents import Update
from libs.common.logs import get_logger
from services.escalator.domain import promising
from services.escalator.domain.obligations import NEWS_FOR
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.store import records

log = get_logger(__name__)

OBLIGATION = "obligation"
REMINDER = "reminder"
"""The kinds of the timers; the key is incident and obligation."""


async def on_obligation_timer(desk: Desk, timer: DueTimer) -> None:
    """An obligation's time has come."""
    case, kind = await _wanted(desk, timer)
    if case is None:
        return
    course = case.course()
    owed = course.obligation(kind)
    newest = await _newest(case, owed.kind) if owed else None
    if promising.on_obligation(course, kind, timer.due_at, newest):
        await case.follow(course)
    else:
        log.info("obligation is no longer due", timer=timer.key)


async def on_reminder_timer(desk: Desk, timer: DueTimer) -> None:
    """What a person owes is due soon."""
    case, kind = await _wanted(desk, timer)
    if case is None:
        return
    course = case.course()
    if promising.on_reminder(course, kind, timer.due_at):
        await case.follow(course)
    else:
        log.info("reminder is no longer wanted", timer=timer.key)


async def _newest(case: Case, kind: ObligationKind) -> Update | None:
    """What was written last for those who hear an obligation; for the team's own, what was written last at all."""
    audience = NEWS_FOR.get(kind)
    if audience is None:
        return case.incident.last_update
    return await records.newest_update(case.desk.tx.session, case.incident.id, audience)


async def _wanted(desk: Desk, timer: DueTimer) -> tuple[Case | None, str]:
    incident_id, _, kind = timer.key.partition(":")
    return await hold(desk, UUID(incident_id)), kind
