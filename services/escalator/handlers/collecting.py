"""Alerts at work: they open incidents, join them, or are collected under a maintenance until it ends."""

from collections.abc import Sequence

from libs.common.events.base import SYSTEM, Actor
from libs.common.events.incidents import AlertAttached, IncidentNoted
from libs.common.events.triggers import TriggerReceived
from services.escalator.domain import incident as states
from services.escalator.domain import ticketing, timeline
from services.escalator.domain.collecting import collector, covering, covers, lasts
from services.escalator.domain.correlation import AttachReason
from services.escalator.domain.incident import Report
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.handlers.opening import open_incident
from services.escalator.store import alerts, maintenances, policies
from services.escalator.store.tables import AlertRow


def integration(trigger: TriggerReceived) -> Actor:
    """The integration as the one who acts."""
    name = trigger.integration_name or trigger.integration_id
    return Actor(kind="integration", id=trigger.integration_id, name=name, via=trigger.source)


async def collect(desk: Desk, trigger: TriggerReceived, actor: Actor) -> Case | None:
    """Collect an alarm under the maintenance that covers it; ``None`` where none does, or the routing wants it paged."""
    known = await policies.current(desk.tx.session)
    if trigger.kind != "telemetry" or known.routing.alerts_in_maintenance == "page":
        return None
    services = {*trigger.services, *([trigger.service] if trigger.service else [])}
    found = collector(trigger, await maintenances.covering(desk.tx.session, services, desk.tx.now), desk.tx.now)
    case = await hold(desk, found.incident_id) if found else None
    now_covering = covering(case.incident) if case else None
    if case is None or now_covering is None or not covers(now_covering, trigger, desk.tx.now):
        return None  # it ended, or was moved, while its lock was waited for
    await join(case, trigger, actor, "in_maintenance")
    return case


async def join(case: Case, trigger: TriggerReceived, actor: Actor, reason: AttachReason) -> None:
    """A new alert joins an incident. Under a maintenance it is only collected: the incident becomes neither worse nor wider."""
    collected = reason == "in_maintenance"
    add_alert(case, trigger, collected=collected)
    incident = case.incident if collected else states.widened(case.incident, report(trigger))
    incident = states.with_ticket(incident, trigger.ticket)
    counts = {"triggers": incident.triggers + 1, "alerts": incident.alerts + 1, "firing": incident.firing + 1}
    course = case.course()
    course.tell(
        AlertAttached,
        incident.model_copy(update=counts),
        text=timeline.attached(trigger.title, actor, how=reason),
        actor=actor,
        reason=reason,
        trigger_id=trigger.trigger_id,
        new_alert=True,
    )
    ticketing.joined(course, case.incident)
    await case.follow(course)


async def release(case: Case) -> None:
    """Once a maintenance covers nothing any more, what it collected and still fires opens incidents, and pages.

    Those of one message and one service are one incident. Where the maintenance goes on, nothing happens.
    """
    incident, desk = case.incident, case.desk
    if incident.maintenance is None or incident.window is None:
        return
    if incident.state != "resolved" and lasts(incident.window, desk.tx.now):
        return
    rows = await alerts.let_go(desk.tx.session, incident.id)
    if not rows:
        return
    text = timeline.released(len(rows))
    left = incident.model_copy(update={"firing": max(incident.firing - len(rows), 0)})
    await case.tell(IncidentNoted, left, text=text, actor=SYSTEM, reason="released")
    await _open_again(desk, [TriggerReceived.model_validate(row.said) for row in rows], incident.number)


async def _open_again(desk: Desk, triggers: Sequence[TriggerReceived], number: int) -> None:
    opened: dict[tuple[str, str, str | None], Case] = {}
    for trigger in triggers:
        actor = integration(trigger)
        group = trigger.group.key if trigger.group else trigger.dedup_key
        place = (trigger.integration_id, group, trigger.service)
        if place in opened:
            await join(opened[place], trigger, actor, "same_group")
            continue
        case = await open_incident(desk, report(trigger), trigger.category, actor, trigger)
        add_alert(case, trigger)
        text = timeline.fires_since(trigger.started_at, number, desk.tx.now)
        await case.tell(IncidentNoted, text=text, actor=SYSTEM, reason="released")
        opened[place] = case


def add_alert(case: Case, trigger: TriggerReceived, *, collected: bool = False) -> None:
    """A row for a new alert of an incident."""
    tx = case.desk.tx
    tx.session.add(
        AlertRow(
            id=tx.chance.uuid7(tx.now),
            incident_id=case.incident.id,
            integration_id=trigger.integration_id,
            dedup_key=trigger.dedup_key,
            service=trigger.service,
            title=trigger.title,
            firing=True,
            open=True,
            triggers=1,
            first_at=tx.now,
            last_at=tx.now,
            said=trigger.data() if collected or trigger.window is not None else None,
            collected=collected,
        )
    )


def report(trigger: TriggerReceived) -> Report:
    """What the trigger says has happened."""
    return Report(
        kind=trigger.kind,
        title=trigger.title,
        description=trigger.description,
        severity=trigger.severity,
        source=trigger.source,
        service=trigger.service,
        tool=trigger.tool,
        provider=trigger.provider,
        tenants=tuple(dict.fromkeys(trigger.tenants)),
        assigned_team=trigger.assigned_team,
        window=trigger.window,
        links=trigger.links,
        integration=trigger.integration_id,
        services=trigger.services,
        labels=trigger.labels,
        ticket=trigger.ticket,
    )
