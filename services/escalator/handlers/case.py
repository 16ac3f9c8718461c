"""A case: one incident under its row lock, and what is told of it in this transaction."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.events.base import Actor, ObligationKind
from libs.common.events.incidents import Incident, IncidentFact, Obligation
from libs.common.logs import bind_incident
from libs.common.metrics import Metrics
from services.escalator.domain.policies import Plan
from services.escalator.store import incidents
from services.escalator.store.tables import IncidentRow, ObligationRow, TimelineRow

_TOLD_ALREADY = {"type", "incident", "at", "actor", "text", "reason"}
"""What of a fact is no detail: it has a column, or is the incident itself."""


@dataclass(frozen=True)
class Desk:
    """What a handler works with: its transaction, and where it counts what it did."""

    tx: Tx
    metrics: Metrics


@dataclass
class Case:
    """An incident that this transaction holds. ``incident`` is as it was right after the last fact that was told."""

    desk: Desk
    incident: Incident
    plan: Plan
    row: IncidentRow
    owed: dict[str, ObligationRow] = field(default_factory=dict)

    async def tell(
        self,
        fact: type[IncidentFact],
        incident: Incident | None = None,
        *,
        text: str,
        actor: Actor,
        reason: str | None = None,
        **more: Any,
    ) -> None:
        """Save ``incident`` (``None``: unchanged) as the next version, with a line on the timeline and the event."""
        tx = self.desk.tx
        changed = incident or self.incident
        self.incident = changed.model_copy(update={"version": self.incident.version + 1})
        owed = incidents.write(self.row, self.owed, self.incident)
        if self.incident.version == 1:
            await tx.session.flush()  # what refers to the incident comes after it
        tx.session.add_all(owed)
        told = fact.model_validate(
            {"incident": self.incident, "at": tx.now, "actor": actor, "text": text, "reason": reason, **more}
        )
        tx.session.add(
            TimelineRow(
                id=tx.chance.uuid7(tx.now),
                incident_id=self.incident.id,
                version=self.incident.version,
                at=tx.now,
                type=told.type,
                actor=actor.model_dump(mode="json"),
                text=text,
                reason=reason,
                details=told.model_dump(mode="json", exclude=_TOLD_ALREADY, exclude_none=True),
            )
        )
        await tx.emit(told)

    def obligation(self, kind: str) -> Obligation | None:
        """The obligation of this kind, if the incident has it."""
        return next((each for each in self.incident.obligations if each.kind == kind), None)

    def timer_key(self, kind: ObligationKind | None = None) -> str:
        """The key of the incident's timers, or of those of one of its obligations."""
        return f"{self.incident.id}:{kind}" if kind else str(self.incident.id)


async def hold(desk: Desk, incident_id: UUID, tenants: Collection[str] | None = None) -> Case | None:
    """Lock the incident until the commit; ``None`` where there is none that concerns ``tenants``."""
    found = await incidents.lock(desk.tx.session, incident_id, tenants)
    if found is None:
        return None
    bind_incident(incident_id)
    row, owed = found
    return Case(desk, incidents.snapshot(row, owed.values()), incidents.plan_of(row), row, owed)


def begin(desk: Desk, incident: Incident, plan: Plan) -> Case:
    """A case of an incident that does not exist yet; its first fact makes it."""
    bind_incident(incident.id)
    row = incidents.new_row(incident, plan)
    desk.tx.session.add(row)
    return Case(desk, incident, plan, row)
