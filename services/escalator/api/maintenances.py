"""Scheduled maintenances: what is planned, what runs, and what became of it; operators announce, move and call off."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, model_validator

from libs.common.auth import Operator, Principal, Viewer
from libs.common.db.work import UnitOfWork
from libs.common.errors import Conflict, NotFound
from libs.common.events.base import Severity, Slug, Window
from libs.common.events.incidents import MaintenanceState
from libs.common.metrics import Metrics
from services.escalator.api.edge import Counts, Work, acting_on, own_tenants
from services.escalator.api.schemas import Body, Line, Remark, Span, TimelineLine, line
from services.escalator.domain.announcement import changed
from services.escalator.domain.incident import Report
from services.escalator.handlers import actions, reporting, windows
from services.escalator.handlers.case import Desk
from services.escalator.store import maintenances, records
from services.escalator.store.maintenances import Wanted
from services.escalator.store.tables import MaintenanceRow

router = APIRouter(prefix="/v1/maintenances", tags=["maintenances"])

REFUSALS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such maintenance."},
    409: {"description": "It is over."},
}
NOTHING = Remark()
LONGEST: Final = 1000
"""How many lines of the timeline come with a maintenance."""

STATE: Final[TypeAdapter[MaintenanceState]] = TypeAdapter(MaintenanceState)
Description = Annotated[str, StringConstraints(max_length=10_000)]


class MaintenanceShown(BaseModel):
    """A scheduled maintenance."""

    id: UUID
    integration_id: str = Field(description="Who announced it.")
    external_id: str = Field(description="By which its sender moves it and calls it off.")
    title: str
    description: str
    window: Window
    services: list[str]
    tenants: list[str] = Field(description="None means all.")
    assigned_team: str | None
    state: MaintenanceState
    revision: int = Field(description="How many times something of it changed.")
    announced_at: datetime
    changed_at: datetime
    incident_id: UUID
    incident_number: int


class MaintenanceInFull(MaintenanceShown):
    """With what happened to it so far: announced, moved, begun, ended, and who was told."""

    timeline: tuple[TimelineLine, ...]


class Maintenances(BaseModel):
    """The newest first; ``next`` leads to older ones."""

    maintenances: list[MaintenanceShown]
    next: UUID | None = Field(None, description="The cursor of the next page; absent on the last one.")


class NewMaintenance(Body):
    """What somebody of the house announces."""

    title: Line
    description: Description = ""
    window: Span
    services: tuple[Slug, ...] = Field((), max_length=100)
    tenants: tuple[Slug, ...] = Field((), description="The tenants concerned; none means all that you may act for.")
    assigned_team: Slug = Field(description="The team that does it; it hears of it at once.")
    severity: Severity = "critical"
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        None, description="Your own id of it. Announcing it again under this id moves it."
    )


class MaintenanceChange(Body):
    """What is to be otherwise; what is left away stays."""

    title: Line | None = None
    description: Description | None = None
    window: Span | None = None
    services: tuple[Slug, ...] | None = Field(None, max_length=100)
    tenants: tuple[Slug, ...] | None = None
    assigned_team: Slug | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "MaintenanceChange":
        if all(value is None for value in self.model_dump().values()):
            raise ValueError(
                "say what is to be otherwise: title, description, window, services, tenants, assigned_team"
            )
        return self


@router.get("", summary="Scheduled maintenances, the newest first")
async def list_maintenances(
    principal: Viewer,
    work: Work,
    state: Annotated[
        list[MaintenanceState] | None, Query(description="Only these; may be given more than once.")
    ] = None,
    service: Annotated[Slug | None, Query(description="Only what names this service.")] = None,
    tenant: Annotated[Slug | None, Query(description="Only what concerns this tenant.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Maintenances:
    """What concerns the tenants of your key; with a key for all tenants, everything."""
    wanted = Wanted(state or (), service, tenant)
    async with work.read() as session:
        found = await maintenances.page(session, wanted, principal.tenants, cursor, limit + 1)
    shown = [_shown(row, number, principal) for row, number in found[:limit]]
    return Maintenances(maintenances=shown, next=shown[-1].id if len(found) > limit else None)


@router.get("/{maintenance_id}", summary="One maintenance with its timeline")
async def get_maintenance(maintenance_id: UUID, principal: Viewer, work: Work) -> MaintenanceInFull:
    """One maintenance, with everything that happened to it so far."""
    async with work.read() as session:
        found = await maintenances.find(session, maintenance_id, principal.tenants)
        if found is None:
            raise _nowhere(maintenance_id)
        lines = await records.timeline(session, found[0].incident_id, after=0, limit=LONGEST)
    shown = _shown(*found, principal)
    return MaintenanceInFull(**shown.model_dump(), timeline=tuple(line(row) for row in lines))


@router.post(
    "",
    status_code=201,
    summary="Announce a maintenance",
    responses={200: {"model": MaintenanceShown, "description": "It was announced under this id already: this is it."}},
)
async def announce(
    wanted: NewMaintenance, principal: Operator, work: Work, counts: Counts, response: Response
) -> MaintenanceShown:
    """The team that is assigned to it hears of it at once; tenants hear of it while it runs."""
    report = Report(
        kind="maintenance",
        title=wanted.title,
        description=wanted.description,
        severity=wanted.severity,
        source="api",
        service=wanted.services[0] if wanted.services else None,
        services=wanted.services,
        tenants=own_tenants(wanted.tenants, principal),
        assigned_team=wanted.assigned_team,
        window=wanted.window,
    )
    async with work.begin() as tx:
        external_id = wanted.external_id or str(tx.chance.uuid7(tx.now))
        opened = await reporting.report(Desk(tx, counts), report, "maintenance", principal.actor(), external_id)
    if not opened.new:
        response.status_code = 200
    if opened.incident.maintenance is None:
        raise LookupError("what was announced has no record")
    return await _again(work, opened.incident.maintenance.id, principal)


@router.patch("/{maintenance_id}", summary="Move or change a maintenance", responses=REFUSALS)
async def change(
    maintenance_id: UUID, wanted: MaintenanceChange, principal: Operator, work: Work, counts: Counts
) -> MaintenanceShown:
    """Its team and everyone who was reached hear of another window, or another team, once. What is so already changes nothing."""
    fields = {name: getattr(wanted, name) for name in wanted.model_fields_set if getattr(wanted, name) is not None}
    if "services" in fields:
        fields["service"] = fields["services"][0] if fields["services"] else None
    if "tenants" in fields:
        fields["tenants"] = own_tenants(fields["tenants"], principal)
    reference = await _incident_of(work, maintenance_id, principal)
    async with acting_on(reference, principal, work, counts) as case:
        if case.incident.state == "resolved":
            raise Conflict("This maintenance is over; announce another one.")
        await windows.follow(case, changed(case.incident, fields, case.desk.tx.now), principal.actor())
    return await _again(work, maintenance_id, principal)


@router.post("/{maintenance_id}/cancel", summary="Call a maintenance off", responses=REFUSALS)
async def cancel(
    maintenance_id: UUID, principal: Operator, work: Work, counts: Counts, remark: Remark = NOTHING
) -> MaintenanceShown:
    """Everyone who was reached hears that it is called off. A second time changes nothing."""
    return await _end(maintenance_id, principal, work, counts, remark, cancelled=True)


@router.post("/{maintenance_id}/complete", summary="Say that a maintenance is over", responses=REFUSALS)
async def complete(
    maintenance_id: UUID, principal: Operator, work: Work, counts: Counts, remark: Remark = NOTHING
) -> MaintenanceShown:
    """Everyone who was reached hears that it is over; this is the same as to resolve its incident."""
    return await _end(maintenance_id, principal, work, counts, remark, cancelled=False)


async def _end(
    maintenance_id: UUID, principal: Principal, work: UnitOfWork, counts: Metrics, remark: Remark, *, cancelled: bool
) -> MaintenanceShown:
    reference = await _incident_of(work, maintenance_id, principal)
    async with acting_on(reference, principal, work, counts) as case:
        await actions.resolve(case, principal.actor(), remark.note, ending="cancelled" if cancelled else "completed")
    return await _again(work, maintenance_id, principal)


async def _incident_of(work: UnitOfWork, maintenance_id: UUID, principal: Principal) -> str:
    async with work.read() as session:
        found = await maintenances.find(session, maintenance_id, principal.tenants)
    if found is None:
        raise _nowhere(maintenance_id)
    return str(found[0].incident_id)


async def _again(work: UnitOfWork, maintenance_id: UUID, principal: Principal) -> MaintenanceShown:
    async with work.read() as session:
        found = await maintenances.find(session, maintenance_id, principal.tenants)
    if found is None:
        raise _nowhere(maintenance_id)
    return _shown(*found, principal)


def _nowhere(maintenance_id: UUID) -> NotFound:
    return NotFound(f"There is no maintenance {maintenance_id}.")


def _shown(row: MaintenanceRow, number: int, principal: Principal) -> MaintenanceShown:
    """The maintenance as the principal may see it: of the tenants only its own."""
    own = [tenant for tenant in row.tenants if principal.tenants is None or tenant in principal.tenants]
    return MaintenanceShown(
        id=row.id,
        integration_id=row.integration_id,
        external_id=row.external_id,
        title=row.title,
        description=row.description,
        window=Window(starts_at=row.starts_at, ends_at=row.ends_at),
        services=row.services,
        tenants=own,
        assigned_team=row.assigned_team,
        state=STATE.validate_python(row.state),
        revision=row.revision,
        announced_at=row.announced_at,
        changed_at=row.changed_at,
        incident_id=row.incident_id,
        incident_number=number,
    )
