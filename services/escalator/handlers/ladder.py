"""The ladder at work: firing rungs, and the timer that waits for the next."""

from uuid import UUID

from libs.common.db.timers import DueTimer
from libs.common.events.base import SYSTEM, Actor
from libs.common.events.incidents import EscalationDue, IncidentNoted
from libs.common.logs import get_logger
from services.escalator.domain import ladder, timeline
from services.escalator.domain.ladder import ExhaustedReason, Fire, GiveUp, Step, Still
from services.escalator.handlers.case import Case, Desk, hold

log = get_logger(__name__)

RUNG = "rung"
"""The kind of the timer; its key is the incident's id."""


async def on_rung_timer(desk: Desk, timer: DueTimer) -> None:
    """The delay of a rung ran out, or the last round of the ladder did."""
    case = await hold(desk, UUID(timer.key))
    if case is not None:
        await follow(case, ladder.at_timer(case.incident, case.plan, timer.due_at, desk.tx.now))


async def on_nobody_told(case: Case, slot: str, reason: ExhaustedReason) -> None:
    """Nobody of the rung that fired as ``slot`` could be told: the next comes at once."""
    step = ladder.at_exhausted(case.incident, slot, reason)
    await follow(case, step)
    if step == Still("last_rung"):
        await case.tell(IncidentNoted, text=timeline.last_rung_unreached(), actor=SYSTEM, reason=reason)


async def follow(case: Case, step: Step, actor: Actor = SYSTEM) -> None:
    """Do what the ladder decided."""
    match step:
        case Fire():
            await fire(case, step, actor)
        case GiveUp():
            await case.tell(IncidentNoted, text=timeline.given_up(step.rounds), actor=actor, reason=step.reason)
        case Still():
            log.info("ladder stands still", reason=step.reason, rung=case.incident.rung)


async def fire(case: Case, step: Fire, actor: Actor = SYSTEM) -> None:
    """Tell that a rung is due, and wait for the next one."""
    tx = case.desk.tx
    incident = ladder.fired(case.incident, case.plan, step, tx.now)
    rung = incident.rungs[step.number - 1]
    await case.tell(
        EscalationDue,
        incident,
        text=timeline.rung_due(rung.number, rung.name, step.reason, step.late_by, actor),
        actor=actor,
        reason=step.reason,
        rung=rung.number,
        rung_name=rung.name,
        roles=rung.roles,
        slot=step.slot,
        late_by=step.late_by,
    )
    case.desk.metrics.rungs_fired.labels(str(rung.number), step.reason).inc()
    await wind(case)


async def wind(case: Case) -> None:
    """Set the timer to when the ladder moves next; take it away where it moves no more."""
    due_at = ladder.next_at(case.incident, case.plan)
    if due_at is None:
        await case.desk.tx.cancel(RUNG, case.timer_key())
    else:
        await case.desk.tx.schedule(RUNG, case.timer_key(), due_at)
