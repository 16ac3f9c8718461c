"""How an incident opens: the route is decided, the ladder and the clocks are taken from the policies in force."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.common.events.base import Category
from libs.common.events.incidents import Incident
from services.escalator.domain import incident as states
from services.escalator.domain import ladder, maintenance, obligations
from services.escalator.domain.conditions import Described
from services.escalator.domain.incident import Report
from services.escalator.domain.policies import Plan, Policies
from services.escalator.domain.routing import Routed, route


@dataclass(frozen=True)
class Opening:
    """An incident before its first fact: nothing has fired, and its number is not drawn yet (0)."""

    incident: Incident
    plan: Plan
    routed: Routed


def described(report: Report, category: Category | None) -> Described:
    """What the routing rules can ask of a report."""
    return Described(
        kind=report.kind,
        source=report.source,
        service=report.service,
        tool=report.tool,
        tenants=report.tenants,
        severity=report.severity,
        category=category,
        integration=report.integration,
        provider=report.provider,
        services=report.services,
        title=report.title,
        description=report.description,
        labels=report.labels,
    )


def planned(
    policies: Policies,
    report: Report,
    category: Category | None,
    ids: tuple[UUID, UUID],
    now: datetime,
    external_id: str | None = None,
) -> Opening:
    """The incident that opens of ``report`` at ``now`` by these policies; ``ids`` are its own and that of a maintenance's record."""
    incident_id, record_id = ids
    routed = route(policies.routing, described(report, category), now)
    chosen = policies.ladder(routed.ladder)
    plan = Plan(repeat=chosen.repeat, clocks=policies.clock_set(routed.clocks))
    incident = states.opened(incident_id, 0, report, routed, ladder.rungs_of(chosen), chosen.id, now)
    owed = obligations.at_opening(plan.clocks, incident)
    incident = incident.model_copy(update={"obligations": owed})
    return Opening(maintenance.recorded(incident, record_id, external_id, now), plan, routed)
