"""A case: one incident under its row lock, and what is told of it in this transaction."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.events.base import Actor
from libs.common.events.incidents import EscalationDue, Incident, IncidentFact, IncidentOpened, ObligationMoved
from libs.common.logs import bind_incident
from libs.common.metrics import Metrics
from services.escalator.domain.course import Course
from services.escalator.domain.policies import Plan
from services.escalator.store import incidents, maintenances
from services.escalator.store.tables import IncidentRow, MaintenanceRow, ObligationRow, TimelineRow

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
    record: MaintenanceRow | None = None
    """The record of a maintenance, kept in step with the incident."""
    new: bool = False
    """Whether this transaction opened it."""

    def course(self) -> Course:
        """What this moment brings the incident; nothing yet."""
        return Course(self.incident, self.plan, self.desk.tx.now)

    async def follow(self, course: Course) -> None:
        """Save what was told, each fact with a line on the timeline and its event, and wait for what is waited for."""
        tx = self.desk.tx
        for told in course.told:
            await self._keep(told)
        for wait, due_at in course.waits.items():
            key = f"{self.incident.id}:{wait.obligation}" if wait.obligation else str(self.incident.id)
            if due_at is None:
                await tx.cancel(wait.kind, key)
            else:
                await tx.schedule(wait.kind, key, due_at)

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
        """Tell one fact, ``incident`` (``None``: unchanged) being in it as the next version."""
        course = self.course()
        course.tell(fact, incident, text=text, actor=actor, reason=reason, **more)
        await self.follow(course)

    async def _keep(self, told: IncidentFact) -> None:
        tx, self.incident = self.desk.tx, told.incident
        owed = incidents.write(self.row, self.owed, self.incident)
        if self.record is not None:
            maintenances.write(self.record, self.incident)
        if self.incident.version == 1:
            await tx.session.flush()  # what refers to the incident comes after it
            tx.session.add_all([self.record] if self.record else [])
        tx.session.add_all(owed)
        tx.session.add(
            TimelineRow(
                id=tx.chance.uuid7(tx.now),
                incident_id=self.incident.id,
                version=self.incident.version,
                at=tx.now,
                type=told.type,
                actor=told.actor.model_dump(mode="json"),
                text=told.text,
                reason=told.reason,
                details=told.model_dump(mode="json", exclude=_TOLD_ALREADY, exclude_none=True),
            )
        )
        await tx.emit(told)
        match told:
            case IncidentOpened():
                self.desk.metrics.incidents_opened.labels(self.incident.kind).inc()
            case EscalationDue():
                self.desk.metrics.rungs_fired.labels(str(told.rung), told.reason).inc()
            case ObligationMoved():
                self.desk.metrics.obligations.labels(told.obligation.kind, told.reason).inc()


async def hold(desk: Desk, incident_id: UUID, tenants: Collection[str] | None = None) -> Case | None:
    """Lock the incident until the commit; ``None`` where there is none that concerns ``tenants``."""
    found = await incidents.lock(desk.tx.session, incident_id, tenants)
    if found is None:
        return None
    bind_incident(incident_id)
    row, owed = found
    incident = incidents.snapshot(row, owed.values())
    record = await maintenances.of_incident(desk.tx.session, incident_id) if incident.maintenance else None
    return Case(desk, incident, incidents.plan_of(row), row, owed, record)


def begin(desk: Desk, incident: Incident, plan: Plan, integration_id: str) -> Case:
    """A case of an incident that does not exist yet; its first fact makes it, and the record of a maintenance."""
    bind_incident(incident.id)
    row = incidents.new_row(incident, plan)
    desk.tx.session.add(row)
    record = maintenances.new_row(incident, integration_id) if incident.maintenance else None
    return Case(desk, incident, plan, row, record=record, new=True)
