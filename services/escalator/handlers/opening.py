"""Opening an incident: the route is decided, the first rung fires, the clocks begin."""

from libs.common.events.base import Actor, Category
from libs.common.events.triggers import TriggerReceived
from services.escalator.domain import climbing
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
    known = await policies.current(tx.session)
    ids = tx.chance.uuid7(tx.now), tx.chance.uuid7(tx.now)
    opening = planned(known, report, category, ids, tx.now, trigger.dedup_key if trigger else None)
    incident = opening.incident.model_copy(
        update={
            "number": await incidents.next_number(tx.session),
            **({"alerts": 1, "firing": 1, "triggers": 1} if trigger else {}),
        }
    )
    case = begin(desk, incident, opening.plan, trigger.integration_id if trigger else f"{actor.kind}:{actor.id}")
    course = case.course()
    climbing.open_incident(course, opening.routed, actor, trigger.trigger_id if trigger else None)
    await case.follow(course)
    return case
