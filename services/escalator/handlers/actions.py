"""What people do to an incident. A repeat of what is so already changes nothing and is no error."""

from collections.abc import Collection

from libs.common.events.base import Actor, Verdict
from libs.common.events.triggers import MaintenanceEnding
from libs.common.logs import get_logger
from services.escalator.domain import acting, climbing
from services.escalator.domain import incident as states
from services.escalator.domain import ladder as rungs
from services.escalator.domain.course import Course
from services.escalator.domain.incident import EndReason, Move, Unmoved
from services.escalator.domain.obligations import Audience
from services.escalator.handlers import ladder
from services.escalator.handlers.case import Case
from services.escalator.handlers.collecting import release
from services.escalator.store import alerts, records
from services.escalator.store.tables import UpdateRow

log = get_logger(__name__)


async def acknowledge(case: Case, actor: Actor, note: str | None = None) -> None:
    """Take the incident: the ladder stops for everyone. Raises :class:`Conflict`."""
    course = case.course()
    await _follow(case, course, acting.acknowledge(course, actor, note))


async def resolve(
    case: Case,
    actor: Actor,
    note: str | None = None,
    *,
    reason: EndReason = "resolved_by_hand",
    ending: MaintenanceEnding | None = None,
) -> None:
    """End the incident, by a person or for what its source says; ``ending`` says how a maintenance ended."""
    reached = await records.reached(case.desk.tx.session, case.incident.id)
    course = case.course()
    move = acting.resolve(course, actor, note, reached=reached, reason=reason, ending=ending)
    await _follow(case, course, move)


async def judge(case: Case, actor: Actor, verdict: Verdict, note: str | None = None) -> None:
    """Give a verdict; a false positive ends the incident. Raises :class:`Conflict`."""
    reached = await records.reached(case.desk.tx.session, case.incident.id)
    course = case.course()
    await _follow(case, course, acting.judge(course, actor, verdict, note, reached=reached))


async def post_update(case: Case, actor: Actor, text: str, audiences: Collection[Audience]) -> None:
    """Write an update: it stands in the record, keeps the promises to its audiences, and goes out to those outside."""
    tx, course = case.desk.tx, case.course()
    update = acting.post_update(course, actor, text, audiences)
    if update is None:
        log.info("nothing changes", reason="same_update")
        return
    tx.session.add(
        UpdateRow(
            id=tx.chance.uuid7(tx.now),
            incident_id=case.incident.id,
            at=tx.now,
            by=update.by,
            text=update.text,
            audiences=list(update.audiences),
        )
    )
    await case.follow(course)


async def escalate(case: Case, actor: Actor, wanted: int | None = None) -> None:
    """Fire the next rung now. Raises :class:`Conflict` where the incident is over."""
    course = case.course()
    states.refuse_escalation(course.incident, course.now)
    step = climbing.follow(course, rungs.by_hand(course.incident, wanted, course.now), actor)
    ladder.note(case.incident.rung, step)
    await case.follow(course)


async def issue_rca(case: Case, actor: Actor, url: str, note: str | None = None) -> None:
    """Issue the root cause analysis: its status ends, and who was promised it gets it. Raises :class:`Conflict`."""
    course = case.course()
    await _follow(case, course, acting.issue_rca(course, actor, url, note))


async def _follow(case: Case, course: Course, move: Move) -> None:
    if isinstance(move, Unmoved):
        log.info("nothing changes", reason=move.reason)
        return
    ends = course.incident.state == "resolved" and case.incident.state != "resolved"
    await case.follow(course)
    if ends:
        await release(case)
        await alerts.close(case.desk.tx.session, case.incident.id)
