"""Loading and saving incidents. Whoever writes holds the incident's row lock until the commit."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.session import WriteSession
from libs.common.events.incidents import Incident, Obligation
from services.escalator.domain.conditions import Described
from services.escalator.domain.policies import Plan
from services.escalator.store.tables import INCIDENT_NUMBER, IncidentRow, ObligationRow

OBLIGATION_ORDER = ("team_status", "client_update", "tenant_status", "maintenance_status", "incident_call", "rca")

LARGEST_NUMBER = 2**63 - 1

MOST_EXAMPLES = 200


async def next_number(session: WriteSession) -> int:
    """The number of the next incident."""
    number: int = await session.scalar(select(INCIDENT_NUMBER.next_value())) or 0
    return number


async def lock(
    session: WriteSession, incident_id: UUID, tenants: Collection[str] | None = None
) -> tuple[IncidentRow, dict[str, ObligationRow]] | None:
    """The incident's rows under its lock, as of now; ``None`` where there is none that concerns ``tenants``."""
    statement = (
        select(IncidentRow)
        .where(IncidentRow.id == incident_id, *concerning(tenants))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    row = await session.scalar(statement)
    if row is None:
        return None
    owed = await session.scalars(
        select(ObligationRow).where(ObligationRow.incident_id == incident_id).execution_options(populate_existing=True)
    )
    return row, {each.kind: each for each in owed}


async def locate(session: AsyncSession, reference: str, tenants: Collection[str] | None = None) -> UUID | None:
    """The id of the incident that ``reference`` names, by id or by number, if it concerns ``tenants`` (``None``: all of them)."""
    match = _named(reference)
    if match is None:
        return None
    found: UUID | None = await session.scalar(select(IncidentRow.id).where(match, *concerning(tenants)))
    return found


async def find(session: AsyncSession, reference: str, tenants: Collection[str] | None) -> Incident | None:
    """The incident that ``reference`` names, by id or by number."""
    match = _named(reference)
    if match is None:
        return None
    rows = await session.scalars(select(IncidentRow).where(match, *concerning(tenants)))
    found = await _snapshots(session, rows.all())
    return found[0] if found else None


async def page(
    session: AsyncSession, states: Collection[str], tenants: Collection[str] | None, below: int | None, limit: int
) -> list[Incident]:
    """Incidents by falling number, from the one below ``below`` on; no ``states`` means all of them."""
    statement = select(IncidentRow).where(*concerning(tenants)).order_by(IncidentRow.number.desc()).limit(limit)
    if states:
        statement = statement.where(IncidentRow.state.in_(states))
    if below is not None:
        statement = statement.where(IncidentRow.number < below)
    rows = await session.scalars(statement)
    return await _snapshots(session, rows.all())


async def kinds_of_late(session: AsyncSession, since: datetime) -> list[Described]:
    """What opened since then, each kind of it for each service and tenants once: what rules that are to change can be tried on."""
    alike = (IncidentRow.kind, IncidentRow.service, IncidentRow.tenants)
    statement = (
        select(IncidentRow.body)
        .ext(distinct_on(*alike))
        .where(IncidentRow.opened_at >= since)
        .order_by(*alike, IncidentRow.number.desc())
        .limit(MOST_EXAMPLES)
    )
    bodies = await session.scalars(statement)
    return [_described(Incident.model_validate(body)) for body in bodies]


def snapshot(row: IncidentRow, owed: Iterable[ObligationRow]) -> Incident:
    """The incident that the rows hold."""
    obligations = sorted(owed, key=lambda each: OBLIGATION_ORDER.index(each.kind))
    return Incident.model_validate({**row.body, "obligations": tuple(_obligation(each) for each in obligations)})


def plan_of(row: IncidentRow) -> Plan:
    """By what the incident goes on since it opened."""
    return Plan.model_validate(row.plan)


def new_row(incident: Incident, plan: Plan) -> IncidentRow:
    """The row of a new incident."""
    return IncidentRow(id=incident.id, plan=plan.model_dump(mode="json"), **_columns(incident))


def write(row: IncidentRow, owed: dict[str, ObligationRow], incident: Incident) -> list[ObligationRow]:
    """Put ``incident`` into its rows. Returns the obligations' rows that are new and still have to be added."""
    for name, value in _columns(incident).items():
        setattr(row, name, value)
    added = []
    for obligation in incident.obligations:
        known = owed.get(obligation.kind)
        if known is None:
            known = ObligationRow(incident_id=incident.id, kind=obligation.kind)
            owed[obligation.kind] = known
            added.append(known)
        for name, value in obligation.model_dump(exclude={"kind"}).items():
            setattr(known, name, value)
    return added


def _described(incident: Incident) -> Described:
    return Described(
        incident.kind,
        incident.source,
        service=incident.service,
        tool=incident.tool,
        tenants=incident.tenants,
        severity=incident.severity,
        category=incident.category,
        provider=incident.provider,
        title=incident.title,
        description=incident.description,
    )


def _columns(incident: Incident) -> dict[str, Any]:
    return {
        "number": incident.number,
        "version": incident.version,
        "state": incident.state,
        "verdict": incident.verdict,
        "kind": incident.kind,
        "category": incident.category,
        "severity": incident.severity,
        "service": incident.service,
        "tenants": list(incident.tenants),
        "opened_at": incident.opened_at,
        "resolved_at": incident.resolved_at,
        "body": incident.model_dump(mode="json", exclude={"obligations"}),
    }


def _obligation(row: ObligationRow) -> Obligation:
    return Obligation.model_validate({name: getattr(row, name) for name in Obligation.model_fields})


async def _snapshots(session: AsyncSession, rows: Sequence[IncidentRow]) -> list[Incident]:
    owed: dict[UUID, list[ObligationRow]] = {row.id: [] for row in rows}
    if rows:
        for each in await session.scalars(select(ObligationRow).where(ObligationRow.incident_id.in_(owed))):
            owed[each.incident_id].append(each)
    return [snapshot(row, owed[row.id]) for row in rows]


def _named(reference: str) -> ColumnElement[bool] | None:
    if reference.isdecimal() and reference.isascii():
        number = int(reference) if len(reference) < 20 else LARGEST_NUMBER + 1
        return IncidentRow.number == number if number <= LARGEST_NUMBER else None
    try:
        return IncidentRow.id == UUID(reference)
    except ValueError:
        return None


def concerning(tenants: Collection[str] | None) -> tuple[ColumnElement[bool], ...]:
    """An incident that names no tenant concerns all of them."""
    if tenants is None:
        return ()
    everyone = func.cardinality(IncidentRow.tenants) == 0
    return (or_(everyone, IncidentRow.tenants.overlap(list(tenants))),)
