"""The communication promises at work: what goes out when one is due, and the timers that wait for them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from libs.common.db.timers import DueTimer
from libs.common.events.base import SYSTEM, Actor, RoleRef
from libs.common.events.incidents import CommunicationDue, Obligation, ObligationMoved
from libs.common.logs import get_logger
from services.escalator.domain import obligations, timeline
from services.escalator.domain.ladder import late_by
from services.escalator.domain.obligations import Came, MoveReason
from services.escalator.domain.policies import OWNER, ObligationPolicy
from services.escalator.domain.windows import planned_end
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.store import records

log = get_logger(__name__)

OBLIGATION = "obligation"
REMINDER = "reminder"
WINDOW = "window"
"""The kinds of the timers. The key of the first two is incident and obligation, that of a window the incident alone."""


async def on_obligation_timer(desk: Desk, timer: DueTimer) -> None:
    """An obligation's time has come."""
    case, obligation = await _wanted(desk, timer)
    if case is None or obligation is None or obligation.due_at != timer.due_at:
        log.info("obligation is no longer due", timer=timer.key)
        return
    policy = case.plan.clocks.of(obligation.kind)
    if policy is None:
        raise LookupError(f"the incident's clocks do not know its obligation {obligation.kind}")
    came = obligations.come_due(obligation, case.plan.clocks.grace, desk.tx.now)
    if came.outcome == "missed":
        await _miss(case, policy, came, timer.due_at)
    else:
        await _send(case, policy, came, obligation)
    desk.metrics.obligations.labels(obligation.kind, came.outcome).inc()
    await wind(case, came.obligation)


async def on_reminder_timer(desk: Desk, timer: DueTimer) -> None:
    """What a person owes is due soon."""
    case, obligation = await _wanted(desk, timer)
    policy = case.plan.clocks.of(obligation.kind) if case and obligation else None
    if case is None or obligation is None or policy is None or obligation.due_at is None:
        return
    if obligations.remind_at(obligation, policy) != timer.due_at:
        log.info("reminder is no longer wanted", timer=timer.key)
        return
    now = desk.tx.now
    await case.tell(
        CommunicationDue,
        text=timeline.reminded(obligation.kind, obligation.due_at, now),
        actor=SYSTEM,
        reason="due_soon",
        purpose="reminder",
        obligation=obligation.kind,
        audience=obligations.with_owner(policy.remind, case.incident),
        slot=f"{obligation.kind}-reminder-{_stamp(obligation.due_at)}",
        due_at=obligation.due_at,
        late_by=late_by(timer.due_at, now, case.plan.clocks.grace),
    )


async def on_window_timer(desk: Desk, timer: DueTimer) -> None:
    """A maintenance should be over: its team is asked to close it."""
    case = await hold(desk, UUID(timer.key))
    if case is None or case.incident.state == "resolved" or planned_end(case.incident) != timer.due_at:
        return
    text = timeline.window_over(timer.due_at, desk.tx.now)
    await case.tell(
        CommunicationDue,
        text=text,
        actor=SYSTEM,
        reason="window_over",
        purpose="reminder",
        audience=obligations.with_owner((OWNER,), case.incident),
        slot="window-end",
        words=text,
        due_at=timer.due_at,
        late_by=late_by(timer.due_at, desk.tx.now, case.plan.clocks.grace),
    )


async def begin(case: Case) -> None:
    """Wait for the obligations of a new incident, and for the end of its window."""
    for obligation in case.incident.obligations:
        for kind, due_at in _times(case, obligation):
            if due_at is not None:
                await case.desk.tx.schedule(kind, case.timer_key(obligation.kind), due_at)
    ends_at = planned_end(case.incident)
    if ends_at is not None:
        await case.desk.tx.schedule(WINDOW, case.timer_key(), ends_at)


async def wind(case: Case, obligation: Obligation) -> None:
    """Set the timers of an obligation to its due time and to its reminder's; take them away where it is due no more."""
    tx, key = case.desk.tx, case.timer_key(obligation.kind)
    for kind, due_at in _times(case, obligation):
        if due_at is None:
            await tx.cancel(kind, key)
        else:
            await tx.schedule(kind, key, due_at)


async def tell_moved(case: Case, before: Sequence[Obligation], actor: Actor, reason: MoveReason) -> None:
    """Tell of each obligation that changed since ``before``, and wait for its new time."""
    now = case.desk.tx.now
    known = {each.kind: each for each in before}
    for each in case.incident.obligations:
        if each == known.get(each.kind):
            continue
        why, text = reason, timeline.obligation_set_forward(each, now)
        if each.state == "waived":
            why, text = "waived", timeline.obligation_waived(each)
        elif each.kind not in known:
            text = timeline.rca_due(each, now)
        await case.tell(ObligationMoved, text=text, actor=actor, reason=why, obligation=each)
        case.desk.metrics.obligations.labels(each.kind, why).inc()
        await wind(case, each)


def _times(case: Case, obligation: Obligation) -> tuple[tuple[str, datetime | None], ...]:
    policy = case.plan.clocks.of(obligation.kind)
    remind_at = obligations.remind_at(obligation, policy) if policy else None
    return (OBLIGATION, obligation.due_at), (REMINDER, remind_at)


async def _wanted(desk: Desk, timer: DueTimer) -> tuple[Case | None, Obligation | None]:
    incident_id, _, kind = timer.key.partition(":")
    case = await hold(desk, UUID(incident_id))
    return case, case.obligation(kind) if case else None


async def _send(case: Case, policy: ObligationPolicy, came: Came, before: Obligation) -> None:
    """The system sends what it owes: the newest words for this audience, or that there were none, and the promise."""
    now, after = case.desk.tx.now, came.obligation
    audience = obligations.NEWS_FOR.get(after.kind)
    newest = case.incident.last_update
    if audience is not None:
        newest = await records.newest_update(case.desk.tx.session, case.incident.id, audience)
    said = obligations.news(before, newest, case.incident.opened_at)
    words = said.words if audience else None
    changed = obligations.replaced(case.incident.obligations, (after,))
    await case.tell(
        CommunicationDue,
        case.incident.model_copy(update={"obligations": changed}),
        text=timeline.message_due(after.kind, words, said.since, now),
        actor=SYSTEM,
        reason="news" if words else "no_news",
        purpose=obligations.PURPOSES.get(after.kind, "status"),
        obligation=after.kind,
        audience=obligations.with_owner(policy.audience, case.incident),
        slot=f"{after.kind}-{after.count}",
        words=words,
        since=said.since,
        next_by=after.due_at,
        due_at=before.due_at,
        late_by=came.late_by,
    )
    await case.tell(
        ObligationMoved,
        text=timeline.obligation_sent(after, came.late_by, now),
        actor=SYSTEM,
        reason=came.outcome,
        obligation=after,
    )


async def _miss(case: Case, policy: ObligationPolicy, came: Came, due_at: datetime) -> None:
    """A person missed what they owed: it is late from now on, and others hear of it."""
    after, last = came.obligation, case.incident.last_update
    changed = obligations.replaced(case.incident.obligations, (after,))
    await case.tell(
        ObligationMoved,
        case.incident.model_copy(update={"obligations": changed}),
        text=timeline.obligation_missed(after, due_at, case.desk.tx.now),
        actor=SYSTEM,
        reason=came.outcome,
        obligation=after,
    )
    audience: tuple[RoleRef, ...] = obligations.with_owner(policy.missed, case.incident)
    await case.tell(
        CommunicationDue,
        text=timeline.miss_escalated(after.kind, audience),
        actor=SYSTEM,
        reason=came.outcome,
        purpose="missed",
        obligation=after.kind,
        audience=audience,
        slot=f"{after.kind}-missed-{_stamp(due_at)}",
        since=last.at if last else case.incident.opened_at,
        next_by=after.due_at,
        due_at=due_at,
        late_by=came.late_by,
    )


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"
