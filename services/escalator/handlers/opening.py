"""Opening an incident: the route is decided, the first rung fires, the clocks begin."""

from uuid import UUID

from libs.common.events.base import Actor, Category
from services.escalator.domain import climbing
from services.escalator.domain.incident import Report
from services.escalator.domain.opening import planned
from services.escalator.handlers.case import Case, Desk, begin
from services.escalator.store import incidents, policies


async def open_incident(
    desk: Desk, report: Report, category: Category | None, actor: Actor, trigger_id: UUID | None = None
) -> Case:
    """Open an incident of ``report``; with ``trigger_id`` it has one alert, which fires."""
    tx = desk.tx
    opening = planned(await policies.current(tx.session), report, category, tx.chance.uuid7(tx.now), tx.now)
    incident = opening.incident.model_copy(
        update={
            "number": await incidents.next_number(tx.session),
            **({"alerts": 1, "firing": 1, "triggers": 1} if trigger_id else {}),
        }
    )
    case = begin(desk, incident, opening.plan)
    course = case.course()
    climbing.open_incident(course, opening.routed, actor, trigger_id)
    await case.follow(course)
    return case
