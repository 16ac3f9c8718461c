"""Opening an incident: the route is decided, the first rung fires, the clocks begin."""

from libs.common.events.base import Actor, Category
from libs.common.events.triggers import TriggerReceived
from services.escalator.domain import climbing, maintenance
from services.escalator.domain.incident import Report
from services.escalator.domain.opening import planned
from services.escalator.handlers.case import Case, Desk, begin
from services.escalator.store import incidents, policies


async def open_incident(
    desk: Desk,
    report: Report,
    category: Category | None,
    actor: Actor,
    trigger: TriggerReceived | None = None,
) -> Case:
    """Open an incident of ``report``; with ``trigger`` it has one alert, which fires. A maintenance gets its record."""
    tx = desk.tx
    opening = planned(await policies.current(tx.session), report, category, tx.chance.uuid7(tx.now), tx.now)
    incident = opening.incident.model_copy(
        update={
            "number": await incidents.next_number(tx.session),
            **({"alerts": 1, "firing": 1, "triggers": 1} if trigger else {}),
        }
    )
    external_id = trigger.dedup_key if trigger else None
    incident = maintenance.recorded(incident, tx.chance.uuid7(tx.now), external_id, tx.now)
    case = begin(desk, incident, opening.plan, trigger.integration_id if trigger else f"{actor.kind}:{actor.id}")
    course = case.course()
    climbing.open_incident(course, opening.routed, actor, trigger.trigger_id if trigger else None)
    await case.follow(course)
    return case
