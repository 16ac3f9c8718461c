"""Incidents that people, or programs with a principal's key, report."""

from dataclasses import dataclass

from libs.common.errors import FieldProblem, Invalid
from libs.common.events.base import Actor, Category
from libs.common.events.incidents import Incident
from libs.common.events.triggers import TriggerReceived
from services.escalator.domain.incident import Report
from services.escalator.handlers import triggers
from services.escalator.handlers.case import Desk
from services.escalator.handlers.opening import open_incident


@dataclass(frozen=True)
class Reported:
    """The incident of a report, and whether it was opened for it."""

    incident: Incident
    new: bool


async def report(
    desk: Desk, said: Report, category: Category | None, actor: Actor, dedup_key: str | None = None
) -> Reported:
    """Open an incident; while one is open that was reported by ``actor`` under the same ``dedup_key``, that is the answer.

    Raises :class:`Invalid` where the window of what is announced is over already.
    """
    if dedup_key is None:
        opened = await open_incident(desk, said, category, actor)
        return Reported(opened.incident, new=True)
    tx = desk.tx
    trigger_id = tx.chance.uuid7(tx.now)
    trigger = TriggerReceived(
        trigger_id=trigger_id,
        delivery_id=trigger_id,
        integration_id=f"{actor.kind}:{actor.id}",
        integration_name=actor.name,
        source=said.source,
        kind=said.kind,
        status="firing",
        dedup_key=dedup_key,
        title=said.title,
        description=said.description,
        severity=said.severity,
        category=category,
        service=said.service,
        services=said.services,
        tool=said.tool,
        provider=said.provider,
        tenants=said.tenants,
        assigned_team=said.assigned_team,
        window=said.window,
        links=said.links,
        labels=dict(said.labels),
        started_at=tx.now,
        received_at=tx.now,
    )
    case = await triggers.take(desk, trigger, actor)
    if case is None:
        raise Invalid(
            "The window is over already, so that nothing was opened; name one that is to come, or that runs.",
            problems=[FieldProblem("#/window/ends_at", "must lie in the future")],
        )
    return Reported(case.incident, new=case.new)
