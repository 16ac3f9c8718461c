"""Opening an incident: the route is decided, the first rung fires, the clocks begin."""

from uuid import UUID

from libs.common.events.base import Actor, Category
from libs.common.events.incidents import Incident, IncidentOpened
from services.escalator.domain import incident as states
from services.escalator.domain import ladder as rungs
from services.escalator.domain import obligations as promises
from services.escalator.domain import timeline
from services.escalator.domain.incident import Report
from services.escalator.domain.policies import Plan
from services.escalator.domain.routing import Described, Routed, route
from services.escalator.handlers import ladder, obligations
from services.escalator.handlers.case import Case, Desk, begin
from services.escalator.store import incidents, policies


async def open_incident(
    desk: Desk, report: Report, category: Category | None, actor: Actor, trigger_id: UUID | None = None
) -> Case:
    """Open an incident of ``report``; with ``trigger_id`` it has one alert, which fires."""
    tx = desk.tx
    incident, plan, routed = await _planned(desk, report, category)
    incident = incident.model_copy(
        update={
            "number": await incidents.next_number(tx.session),
            **({"alerts": 1, "firing": 1, "triggers": 1} if trigger_id else {}),
        }
    )
    case = begin(desk, incident, plan)
    text = timeline.opened(incident, actor, routed.name)
    await case.tell(IncidentOpened, text=text, actor=actor, reason=routed.reason, trigger_id=trigger_id)
    desk.metrics.incidents_opened.labels(report.kind).inc()
    await ladder.fire(case, rungs.at_opening(case.incident))
    await obligations.begin(case)
    return case


async def _planned(desk: Desk, report: Report, category: Category | None) -> tuple[Incident, Plan, Routed]:
    known = await policies.current(desk.tx.session)
    described = Described(
        kind=report.kind,
        source=report.source,
        service=report.service,
        tool=report.tool,
        tenants=report.tenants,
        severity=report.severity,
        category=category,
    )
    routed = route(known.routing, described)
    chosen = known.ladder(routed.ladder)
    plan = Plan(repeat=chosen.repeat, clocks=known.clock_set(routed.clocks))
    now = desk.tx.now
    incident = states.opened(desk.tx.chance.uuid7(now), 0, report, routed, rungs.rungs_of(chosen), chosen.id, now)
    owed = promises.at_opening(plan.clocks, incident)
    return incident.model_copy(update={"obligations": owed}), plan, routed
