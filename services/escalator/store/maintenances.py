"""Scheduled maintenances: rows in step with their incidents."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.session import WriteSession
from libs.common.events.base import Window
from libs.common.events.incidents import Incident, Maintenance
from services.escalator.domain.collecting import Covering
from services.escalator.store.tables import AlertRow, IncidentRow, MaintenanceRow


@dataclass(frozen=True)
class Wanted:
    """What a list of maintenances is narrowed to; empty is everything."""

    states: Collection[str] = ()
    service: str | None = None
    tenant: str | None = None


def new_row(incident: Incident, integration_id: str) -> MaintenanceRow:
    """The row of a maintenance that was just announced."""
    record = _record(incident)
    return MaintenanceRow(
        id=record.id,
        incident_id=incident.id,
        integration_id=integration_id,
        external_id=record.external_id,
        announced_at=incident.opened_at,
        **_columns(incident),
    )


def write(row: MaintenanceRow, incident: Incident) -> None:
    """Put what the incident says into the row of its maintenance."""
    for name, value in _columns(incident).items():
        setattr(row, name, value)


async def of_incident(session: WriteSession, incident_id: UUID) -> MaintenanceRow | None:
    """The record of an incident, whose lock the caller holds."""
    statement = select(MaintenanceRow).where(MaintenanceRow.incident_id == incident_id)
    found: MaintenanceRow | None = await session.scalar(statement.execution_options(populate_existing=True))
    return found


async def last_said(session: WriteSession, integration_id: str, dedup_key: str) -> tuple[dict[str, Any], bool] | None:
    """What was said last of the newest alert of this key, where it was announced beforehand and is over.

    With it, whether its sender has not ended it: it was ended here then.
    """
    statement = (
        select(AlertRow.said, AlertRow.firing)
        .where(AlertRow.integration_id == integration_id, AlertRow.dedup_key == dedup_key, AlertRow.open.is_(False))
        .order_by(AlertRow.first_at.desc(), AlertRow.id.desc())
        .limit(1)
    )
    found = (await session.execute(statement)).one_or_none()
    return None if found is None or found.said is None else (found.said, found.firing)


async def covering(session: WriteSession, services: Collection[str], now: datetime) -> list[Covering]:
    """What covers one of these services now."""
    rows = await session.scalars(
        select(MaintenanceRow).where(
            MaintenanceRow.state.in_(("planned", "running")),
            MaintenanceRow.services.overlap(list(services)),
            MaintenanceRow.starts_at <= now,
            or_(MaintenanceRow.ends_at.is_(None), MaintenanceRow.ends_at > now),
        )
    )
    return [
        Covering(
            row.incident_id,
            frozenset(row.services),
            frozenset(row.tenants),
            Window(starts_at=row.starts_at, ends_at=row.ends_at),
        )
        for row in rows
    ]


async def page(
    session: AsyncSession, wanted: Wanted, tenants: Collection[str] | None, below: UUID | None, limit: int
) -> list[tuple[MaintenanceRow, int]]:
    """Maintenances that concern ``tenants`` (``None``: all), the newest first, each with the number of its incident."""
    statement = (
        select(MaintenanceRow, IncidentRow.number)
        .join(IncidentRow, IncidentRow.id == MaintenanceRow.incident_id)
        .where(*_concerning(tenants), *_concerning(None if wanted.tenant is None else (wanted.tenant,)))
        .order_by(MaintenanceRow.id.desc())
        .limit(limit)
    )
    if wanted.states:
        statement = statement.where(MaintenanceRow.state.in_(wanted.states))
    if wanted.service is not None:
        statement = statement.where(MaintenanceRow.services.contains([wanted.service]))
    if below is not None:
        statement = statement.where(MaintenanceRow.id < below)
    return [(row, number) for row, number in await session.execute(statement)]


async def find(
    session: AsyncSession, maintenance_id: UUID, tenants: Collection[str] | None
) -> tuple[MaintenanceRow, int] | None:
    """One maintenance that concerns ``tenants``, with the number of its incident."""
    statement = (
        select(MaintenanceRow, IncidentRow.number)
        .join(IncidentRow, IncidentRow.id == MaintenanceRow.incident_id)
        .where(MaintenanceRow.id == maintenance_id, *_concerning(tenants))
    )
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else (found[0], found[1])


def _concerning(tenants: Collection[str] | None) -> tuple[ColumnElement[bool], ...]:
    """A maintenance that names no tenant concerns all of them."""
    if tenants is None:
        return ()
    everyone = func.cardinality(MaintenanceRow.tenants) == 0
    return (or_(everyone, MaintenanceRow.tenants.overlap(list(tenants))),)


def _columns(incident: Incident) -> dict[str, Any]:
    record = _record(incident)
    if incident.window is None:
        raise ValueError(f"maintenance {record.id} has no window")
    services = incident.services or ((incident.service,) if incident.service else ())
    return {
        "title": incident.title,
        "description": incident.description,
        "starts_at": incident.window.starts_at,
        "ends_at": incident.window.ends_at,
        "services": list(services),
        "tenants": list(incident.tenants),
        "assigned_team": incident.assigned_team,
        "state": record.state,
        "revision": record.revision,
        "changed_at": record.changed_at,
    }


def _record(incident: Incident) -> Maintenance:
    if incident.maintenance is None:
        raise ValueError(f"incident {incident.number} is no maintenance")
    return incident.maintenance
