"""The communication promises at work: what goes out when one is due, and what is waited for then."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from libs.common.events.base import Actor, RoleRef
from libs.common.events.incidents import CommunicationDue, Obligation, ObligationMoved, Update
from services.escalator.domain import obligations, timeline
from services.escalator.domain.course import WINDOW, WINDOW_BEGIN, Course, Wait
from services.escalator.domain.ladder import late_by
from services.escalator.domain.obligations import Came, MoveReason
from services.escalator.domain.policies import OWNER, ObligationPolicy
from services.escalator.domain.windows import planned_begin, planned_end


def begin(course: Course) -> None:
    """Wait for the obligations of a new incident, and for the begin and the end of its window."""
    waits = [each for obligation in course.incident.obligations for each in _times(course, obligation)]
    waits += [(WINDOW_BEGIN, planned_begin(course.incident)), (WINDOW, planned_end(course.incident))]
    course.waits |= {wait: due_at for wait, due_at in waits if due_at is not None}


def on_obligation(course: Course, kind: str | None, due_at: datetime, newest: Update | None) -> bool:
    """An obligation's time has come; ``newest`` was written last for its audience. Whether it was still waited for."""
    obligation = course.obligation(kind)
    if obligation is None or obligation.due_at != due_at:
        return False
    policy = course.plan.clocks.of(obligation.kind)
    if policy is None:
        raise LookupError(f"the incident's clocks do not know its obligation {obligation.kind}")
    came = obligations.come_due(obligation, course.plan.clocks.grace, course.now)
    if came.outcome == "missed":
        _miss(course, policy, came, due_at)
    else:
        _send(course, policy, came, obligation, newest)
    wind(course, came.obligation)
    return True


def on_reminder(course: Course, kind: str | None, remind_at: datetime) -> bool:
    """What a person owes is due soon. Whether that was still waited for."""
    obligation = course.obligation(kind)
    policy = course.plan.clocks.of(obligation.kind) if obligation else None
    if obligation is None or policy is None or obligation.due_at is None:
        return False
    if obligations.remind_at(obligation, policy) != remind_at:
        return False
    course.tell(
        CommunicationDue,
        text=timeline.reminded(obligation.kind, obligation.due_at, course.now),
        reason="due_soon",
        purpose="reminder",
        obligation=obligation.kind,
        audience=obligations.with_owner(policy.remind, course.incident),
        slot=f"{obligation.kind}-reminder-{_stamp(obligation.due_at)}",
        due_at=obligation.due_at,
        late_by=late_by(remind_at, course.now, course.plan.clocks.grace),
    )
    return True


def on_window(course: Course, ends_at: datetime) -> bool:
    """A maintenance should be over: its team is asked to close it. Whether that was still waited for."""
    if course.incident.state == "resolved" or planned_end(course.incident) != ends_at:
        return False
    course.tell(
        CommunicationDue,
        text=timeline.window_over(ends_at, course.now),
        reason="window_over",
        purpose="reminder",
        audience=obligations.with_owner((OWNER,), course.incident),
        slot=f"window-end-{_stamp(ends_at)}",
        due_at=ends_at,
        late_by=late_by(ends_at, course.now, course.plan.clocks.grace),
    )
    return True


def wind(course: Course, obligation: Obligation) -> None:
    """Wait for an obligation and its reminder; no more, where it is due no more."""
    course.waits |= _times(course, obligation)


def tell_moved(course: Course, before: Sequence[Obligation], actor: Actor, reason: MoveReason) -> None:
    """Tell of each obligation that changed since ``before``, and wait for its new time."""
    known = {each.kind: each for each in before}
    for each in course.incident.obligations:
        if each == known.get(each.kind):
            continue
        why, text = reason, timeline.obligation_set_forward(each, course.now)
        if each.state == "waived":
            why, text = "waived", timeline.obligation_waived(each)
        elif each.kind not in known:
            text = timeline.rca_due(each, course.now)
        course.tell(ObligationMoved, text=text, actor=actor, reason=why, obligation=each)
        wind(course, each)


def _times(course: Course, obligation: Obligation) -> Iterator[tuple[Wait, datetime | None]]:
    policy = course.plan.clocks.of(obligation.kind)
    yield Wait("obligation", obligation.kind), obligation.due_at
    yield Wait("reminder", obligation.kind), obligations.remind_at(obligation, policy) if policy else None


def _send(course: Course, policy: ObligationPolicy, came: Came, before: Obligation, newest: Update | None) -> None:
    """The system sends what it owes: the newest words for this audience, or that there were none, and the promise."""
    after = came.obligation
    said = obligations.news(before, newest, course.incident.opened_at)
    words = said.words if after.kind in obligations.NEWS_FOR else None
    changed = obligations.replaced(course.incident.obligations, (after,))
    course.tell(
        CommunicationDue,
        course.incident.model_copy(update={"obligations": changed}),
        text=timeline.message_due(after.kind, words, said.since, course.now),
        reason="news" if words else "no_news",
        purpose=obligations.PURPOSES.get(after.kind, "status"),
        obligation=after.kind,
        audience=obligations.with_owner(policy.audience, course.incident),
        slot=f"{after.kind}-{after.count}",
        words=words,
        since=said.since,
        next_by=after.due_at,
        due_at=before.due_at,
        late_by=came.late_by,
    )
    text = timeline.obligation_sent(after, came.late_by, course.now)
    course.tell(ObligationMoved, text=text, reason=came.outcome, obligation=after)


def _miss(course: Course, policy: ObligationPolicy, came: Came, due_at: datetime) -> None:
    """A person missed what they owed: it is late from now on, and others hear of it."""
    after, last = came.obligation, course.incident.last_update
    changed = obligations.replaced(course.incident.obligations, (after,))
    course.tell(
        ObligationMoved,
        course.incident.model_copy(update={"obligations": changed}),
        text=timeline.obligation_missed(after, due_at, course.now),
        reason=came.outcome,
        obligation=after,
    )
    audience: tuple[RoleRef, ...] = obligations.with_owner(policy.missed, course.incident)
    course.tell(
        CommunicationDue,
        text=timeline.miss_escalated(after.kind, audience),
        reason=came.outcome,
        purpose="missed",
        obligation=after.kind,
        audience=audience,
        slot=f"{after.kind}-missed-{_stamp(due_at)}",
        since=last.at if last else course.incident.opened_at,
        next_by=after.due_at,
        due_at=due_at,
        late_by=came.late_by,
    )


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"
