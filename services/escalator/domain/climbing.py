"""The ladder at work: what is told when an incident opens and when a rung fires, and when the next one does."""

from datetime import datetime
from uuid import UUID

from libs.common.events.base import SYSTEM, Actor
from libs.common.events.incidents import EscalationDue, IncidentNoted, IncidentOpened
from services.escalator.domain import ladder, promising, timeline
from services.escalator.domain.course import RUNG, Course
from services.escalator.domain.ladder import ExhaustedReason, Fire, GiveUp, Step, Still
from services.escalator.domain.routing import Routed


def open_incident(course: Course, routed: Routed, actor: Actor, trigger_id: UUID | None = None) -> None:
    """An incident opens: the first rung fires, and the promises begin."""
    text = timeline.opened(course.incident, actor, routed.name)
    course.tell(IncidentOpened, text=text, actor=actor, reason=routed.reason, trigger_id=trigger_id)
    fire(course, ladder.at_opening(course.incident))
    promising.begin(course)


def on_timer(course: Course, due_at: datetime) -> Step:
    """The delay of a rung ran out, or the last round of the ladder did."""
    return follow(course, ladder.at_timer(course.incident, course.plan, due_at, course.now))


def on_nobody_told(course: Course, slot: str, reason: ExhaustedReason) -> Step:
    """Nobody of the rung that fired as ``slot`` could be told: the next comes at once."""
    step = follow(course, ladder.at_exhausted(course.incident, slot, reason))
    if step == Still("last_rung"):
        course.tell(IncidentNoted, text=timeline.last_rung_unreached(), reason=reason)
    return step


def follow(course: Course, step: Step, actor: Actor = SYSTEM) -> Step:
    """Do what the ladder decided, and say again what that was."""
    if isinstance(step, Fire):
        fire(course, step, actor)
    elif isinstance(step, GiveUp):
        course.tell(IncidentNoted, text=timeline.given_up(step.rounds), actor=actor, reason=step.reason)
    return step


def fire(course: Course, step: Fire, actor: Actor = SYSTEM) -> None:
    """Tell that a rung is due, and wait for the next one."""
    incident = ladder.fired(course.incident, course.plan, step, course.now)
    rung = incident.rungs[step.number - 1]
    course.tell(
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
    wind(course)


def wind(course: Course) -> None:
    """Wait until the ladder moves next; no more, where it moves no more."""
    course.waits[RUNG] = ladder.next_at(course.incident, course.plan)
