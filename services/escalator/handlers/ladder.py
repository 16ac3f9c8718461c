"""The ladder at work: the timer that waits for the next rung, and rungs that nobody heard."""

from uuid import UUID

from libs.common.db.timers import DueTimer
from libs.common.logs import get_logger
from services.escalator.domain import climbing
from services.escalator.domain.ladder import ExhaustedReason, Step, Still
from services.escalator.handlers.case import Case, Desk, hold

log = get_logger(__name__)

RUNG = "rung"
"""The kind of the timer; its key is the incident's id."""


async def on_rung_timer(desk: Desk, timer: DueTimer) -> None:
    """The delay of a rung ran out, or the last round of the ladder did."""
    case = await hold(desk, UUID(timer.key))
    if case is not None:
        course = case.course()
        note(course.incident.rung, climbing.on_timer(course, timer.due_at))
        await case.follow(course)


async def on_nobody_told(case: Case, slot: str, reason: ExhaustedReason) -> None:
    """Nobody of the rung that fired as ``slot`` could be told: the next comes at once."""
    course = case.course()
    note(course.incident.rung, climbing.on_nobody_told(course, slot, reason))
    await case.follow(course)


def note(rung: int, step: Step) -> None:
    """Say in the log why nothing fired, where nothing did."""
    if isinstance(step, Still):
        log.info("ladder stands still", reason=step.reason, rung=rung)
