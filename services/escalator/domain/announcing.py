"""What is announced beforehand, at work: what is told when it is moved and when it begins, and what is waited for then."""

from collections.abc import Sequence
from datetime import datetime

from libs.common.events.base import Actor, RoleRef
from libs.common.events.incidents import CommunicationDue, MaintenanceBegun, WindowMoved
from services.escalator.domain import climbing, ladder, maintenance, obligations, promising, timeline
from services.escalator.domain.announcement import FIELDS, Changed
from services.escalator.domain.course import WINDOW, WINDOW_BEGIN, Course
from services.escalator.domain.ladder import late_by
from services.escalator.domain.policies import OWNER
from services.escalator.domain.windows import planned_begin, planned_end


def on_begin(course: Course, starts_at: datetime) -> bool:
    """The window of a maintenance that was planned begins. Whether that was still waited for."""
    window = course.incident.window
    if window is None or course.incident.state == "resolved" or planned_begin(course.incident) != starts_at:
        return False
    late = late_by(starts_at, course.now, course.plan.clocks.grace)
    text = timeline.maintenance_begun(window, late, course.now)
    course.tell(MaintenanceBegun, maintenance.begun(course.incident, course.now), text=text, reason="window_begun")
    return True


def follow(course: Course, said: Changed, actor: Actor, reached: Sequence[RoleRef]) -> None:
    """Do what an announcement changes: the record and the incident, and with another window all that waits for it."""
    before, after, window = course.incident, said.incident, said.incident.window
    if window is None:
        raise ValueError(f"incident {before.number} has lost its window")
    moved = said.reason == "window_moved"
    if moved:
        after = ladder.retimed(before, after, course.plan, course.now)
        after = after.model_copy(update={"obligations": obligations.retimed(before, after, course.now)})
        text = timeline.window_moved(window, before.window, actor, course.now)
    else:
        names = [name for name in FIELDS if getattr(before, name) != getattr(after, name)]
        text = timeline.details_changed(names, actor)
    course.tell(WindowMoved, after, text=text, actor=actor, reason=said.reason, before=before.window)
    if moved:
        course.waits[WINDOW_BEGIN] = planned_begin(course.incident)
        if planned_end(before) != planned_end(course.incident):
            course.waits[WINDOW] = planned_end(course.incident)
        climbing.wind(course)
        for obligation in course.incident.obligations:
            promising.wind(course, obligation)
    if moved or before.assigned_team != after.assigned_team:
        _tell(course, text, said.reason, reached)


def _tell(course: Course, text: str, reason: str, reached: Sequence[RoleRef]) -> None:
    """Whoever has it, who heard of it first, and everybody who was reached hear of the change, once."""
    audience: tuple[RoleRef, ...] = (*obligations.with_owner((OWNER,), course.incident), "first", *reached)
    course.tell(
        CommunicationDue,
        text=timeline.change_told(),
        reason=reason,
        purpose="update",
        audience=tuple(dict.fromkeys(audience)),
        slot=f"moved-{course.incident.version}",
        words=text,
        since=course.now,
    )
