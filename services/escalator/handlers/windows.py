"""Windows of what is announced: the timers of their begins and ends, and announcements that move them."""

from uuid import UUID

from libs.common.db.timers import DueTimer
from libs.common.events.base import Actor
from libs.common.logs import get_logger
from services.escalator.domain import announcing, promising
from services.escalator.domain.announcement import Changed, Unmoved
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.handlers.collecting import release
from services.escalator.store import records

log = get_logger(__name__)

BEGIN = "window_begin"
END = "window"
"""The kinds of the timers; the key is the incident's id."""


async def on_begin_timer(desk: Desk, timer: DueTimer) -> None:
    """A maintenance that was planned begins."""
    case = await hold(desk, UUID(timer.key))
    if case is None:
        return
    course = case.course()
    if announcing.on_begin(course, timer.due_at):
        await case.follow(course)
    else:
        log.info("window does not begin now", timer=timer.key)


async def on_end_timer(desk: Desk, timer: DueTimer) -> None:
    """A maintenance should be over: its team is asked to close it."""
    case = await hold(desk, UUID(timer.key))
    if case is None:
        return
    course = case.course()
    if promising.on_window(course, timer.due_at):
        await case.follow(course)
        await release(case)
    else:
        log.info("window does not end now", timer=timer.key)


async def follow(case: Case, said: Changed | Unmoved, actor: Actor) -> None:
    """Do what an announcement changes, if anything."""
    if isinstance(said, Unmoved):
        log.info("nothing changes", reason=said.reason)
        return
    course = case.course()
    announcing.follow(course, said, actor, await records.reached(case.desk.tx.session, case.incident.id))
    await case.follow(course)
    await release(case)
