"""Triggers: each opens an incident, joins one, ends an alert, or is dropped, and says why."""

from dataclasses import replace

from libs.common.events.base import Actor
from libs.common.events.incidents import AlertAttached, AlertResolved
from libs.common.events.triggers import TriggerReceived
from libs.common.logs import get_logger
from services.escalator.domain import incident as states
from services.escalator.domain import ticketing, timeline
from services.escalator.domain.announcement import Announced, announced, is_older, past
from services.escalator.domain.correlation import Attach, Drop, End, Open, correlate
from services.escalator.domain.incident import EndReason
from services.escalator.handlers import tickets, windows
from services.escalator.handlers.actions import resolve
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.handlers.collecting import add_alert, collect, integration, join, report
from services.escalator.handlers.opening import open_incident
from services.escalator.store import alerts, maintenances
from services.escalator.store.tables import AlertRow

log = get_logger(__name__)


async def on_trigger(desk: Desk, trigger: TriggerReceived) -> None:
    """What a source reported."""
    await take(desk, trigger, integration(trigger))


async def take(desk: Desk, trigger: TriggerReceived, actor: Actor) -> Case | None:
    """Decide about a trigger and do it. Returns the incident that it belongs to, if it belongs to one."""
    session, source = desk.tx.session, trigger.integration_id
    group = trigger.group.key if trigger.group else trigger.dedup_key
    keys = {trigger.dedup_key, *(trigger.group.siblings if trigger.group else ())}
    await alerts.one_at_a_time(session, source, group, trigger.dedup_key)
    known = await alerts.known(session, source, keys)
    if known:  # whoever resolves one of their incidents at this moment comes first
        await alerts.lock_incidents(session, source, keys)
        known = await alerts.known(session, source, keys)
    own = next((alert for alert in known if alert.dedup_key == trigger.dedup_key), None)
    decision = correlate(trigger, known, await alerts.firing(session, own.incident_id) if own else 0)
    match decision:
        case Open():
            if await tickets.only_echoed(desk, trigger, actor):
                return None
            return await _open(desk, trigger, actor)
        case Attach():
            return await _attach(desk, trigger, actor, decision)
        case End():
            return await _end(desk, trigger, actor, decision)
        case Drop():
            log.info("trigger dropped", reason=decision.reason, integration=source, dedup_key=trigger.dedup_key)
            if decision.reason == "unknown_alert":
                await alerts.end_closed(session, source, trigger.dedup_key)
            return None


async def _open(desk: Desk, trigger: TriggerReceived, actor: Actor) -> Case | None:
    if trigger.window is not None:
        before = None
        if actor.kind == "integration":  # a person who announces it again means it
            before = await _announced_last(desk, trigger)
        reason = past(_announced(trigger), before, desk.tx.now)
        if reason is not None:
            log.info("trigger dropped", reason=reason, integration=trigger.integration_id, dedup_key=trigger.dedup_key)
            return None
    collected = await collect(desk, trigger, actor) if actor.kind == "integration" else None
    if collected is not None:
        return collected
    case = await open_incident(desk, report(trigger), trigger.category, actor, trigger)
    add_alert(case, trigger)
    return case


async def _announce_again(case: Case, alert: AlertRow, trigger: TriggerReceived, actor: Actor) -> None:
    """The sender says something of what it announced beforehand: it may have moved."""
    said, before = _announced(trigger), None
    if alert.said is not None:
        before = _announced(TriggerReceived.model_validate(alert.said))
    if not is_older(said, before):
        alert.said = trigger.data()
    alert.triggers, alert.last_at = alert.triggers + 1, case.desk.tx.now
    await windows.follow(case, announced(case.incident, said, before, case.desk.tx.now), actor)


def _announced(trigger: TriggerReceived) -> Announced:
    return Announced(report(trigger), trigger.sequence)


async def _announced_last(desk: Desk, trigger: TriggerReceived) -> Announced | None:
    """What was announced last under this key, of what is over."""
    last = await maintenances.last_said(desk.tx.session, trigger.integration_id, trigger.dedup_key)
    if last is None:
        return None
    said, firing = last
    return replace(_announced(TriggerReceived.model_validate(said)), firing=firing)


async def _attach(desk: Desk, trigger: TriggerReceived, actor: Actor, decision: Attach) -> Case:
    case = await _held(desk, decision)
    incident = case.incident
    if decision.reason == "same_group":
        await join(case, trigger, actor, decision.reason)
        return case
    alert = await alerts.of(desk.tx.session, trigger.integration_id, trigger.dedup_key)
    announces = incident.window is not None and not alert.collected and decision.reason == "repeat"
    if announces and (alert.said is not None or trigger.window is not None):
        await _announce_again(case, alert, trigger, actor)
        return case
    counts = {"triggers": incident.triggers + 1} | ({} if alert.firing else {"firing": incident.firing + 1})
    alert.firing, alert.triggers, alert.last_at = True, alert.triggers + 1, desk.tx.now
    alert.said = trigger.data() if alert.collected else alert.said
    incident = states.with_ticket(incident, trigger.ticket)
    course = case.course()
    course.tell(
        AlertAttached,
        incident.model_copy(update=counts),
        text=timeline.attached(trigger.title, actor, how=decision.reason),
        actor=actor,
        reason=decision.reason,
        trigger_id=trigger.trigger_id,
        new_alert=False,
    )
    ticketing.joined(course, case.incident)
    await case.follow(course)
    return case


async def _end(desk: Desk, trigger: TriggerReceived, actor: Actor, decision: End) -> Case:
    case = await _held(desk, decision)
    alert = await alerts.of(desk.tx.session, trigger.integration_id, trigger.dedup_key)
    alert.firing, alert.triggers, alert.last_at = False, alert.triggers + 1, desk.tx.now
    alert.said = trigger.data() if alert.said is not None else None
    incident = case.incident
    firing = max(incident.firing - 1, 0)
    await case.tell(
        AlertResolved,
        incident.model_copy(update={"triggers": incident.triggers + 1, "firing": firing}),
        text=timeline.alert_over(trigger.title, actor, firing, trigger.withdrawn),
        actor=actor,
        reason=decision.reason,
        trigger_id=trigger.trigger_id,
    )
    if decision.reason == "last_alert_resolved":
        await resolve(case, actor, reason=_end_reason(trigger), ending=trigger.ending)
    return case


def _end_reason(trigger: TriggerReceived) -> EndReason:
    return "alert_withdrawn" if trigger.withdrawn else "source_resolved"


async def _held(desk: Desk, decision: Attach | End) -> Case:
    """The incident that was decided for: locked already, and so still there and open."""
    case = await hold(desk, decision.incident_id)
    if case is None:
        raise LookupError(f"incident {decision.incident_id} is gone under its lock")
    return case
