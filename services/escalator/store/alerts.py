"""Alerts: what an incident is made of, found by integration and dedup key."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.session import WriteSession, lock_key
from libs.common.events.incidents import Incident
from services.escalator.domain.correlation import Ended, KnownAlert
from services.escalator.store.incidents import concerning
from services.escalator.store.tables import AlertRow, IncidentRow


async def one_at_a_time(session: WriteSession, integration_id: str, group: str, dedup_key: str) -> None:
    """Keep other transactions from deciding about the same group, or the same alert, until this one ends.

    The group's lock is taken before the alert's, and both before any incident's, so that nobody waits in a ring.
    """
    group_key = lock_key("trigger group", f"{integration_id} {group}")
    alert_key = lock_key("alert", f"{integration_id} {dedup_key}")
    await session.execute(
        text("SELECT pg_advisory_xact_lock(:group), pg_advisory_xact_lock(:alert)"),
        {"group": group_key, "alert": alert_key},
    )


async def lock_incidents(session: WriteSession, integration_id: str, dedup_keys: Collection[str]) -> None:
    """Lock every incident that has an open alert of one of these keys."""
    concerned = select(AlertRow.incident_id).where(*_open(integration_id, dedup_keys))
    await session.execute(
        select(IncidentRow.id).where(IncidentRow.id.in_(concerned)).order_by(IncidentRow.id).with_for_update()
    )


async def known(session: WriteSession, integration_id: str, dedup_keys: Collection[str]) -> Sequence[KnownAlert]:
    """The open alerts of these keys."""
    rows = await session.execute(
        select(AlertRow, IncidentRow.number)
        .join(IncidentRow, IncidentRow.id == AlertRow.incident_id)
        .where(*_open(integration_id, dedup_keys))
        .execution_options(populate_existing=True)
    )
    return [
        KnownAlert(alert.incident_id, number, alert.dedup_key, alert.service, alert.firing, alert.collected)
        for alert, number in rows
    ]


async def firing(session: WriteSession, incident_id: UUID) -> int:
    """How many alerts of the incident fire, those aside that are only collected there."""
    statement = select(func.count()).where(
        AlertRow.incident_id == incident_id, AlertRow.firing, AlertRow.collected.is_(False)
    )
    return await session.scalar(statement) or 0


async def of(session: WriteSession, integration_id: str, dedup_key: str) -> AlertRow:
    """The open alert of this key; there is one."""
    return (await session.scalars(select(AlertRow).where(*_open(integration_id, (dedup_key,))))).one()


async def is_collected(session: WriteSession, integration_id: str, dedup_key: str) -> bool:
    """Whether the open alert of this key is only collected under a maintenance."""
    statement = select(AlertRow.collected).where(*_open(integration_id, (dedup_key,)))
    return bool(await session.scalar(statement))


async def history(
    session: AsyncSession, integration_id: str, dedup_key: str, tenants: Collection[str] | None, limit: int
) -> list[tuple[AlertRow, IncidentRow]]:
    """Every alert of this key that there was in an incident of ``tenants`` (``None``: of anybody), the newest first."""
    statement = (
        select(AlertRow, IncidentRow)
        .join(IncidentRow, IncidentRow.id == AlertRow.incident_id)
        .where(AlertRow.integration_id == integration_id, AlertRow.dedup_key == dedup_key, *concerning(tenants))
        .order_by(IncidentRow.number.desc())
        .limit(limit)
    )
    return [(alert, incident) for alert, incident in await session.execute(statement)]


async def last_ended(session: WriteSession, integration_id: str, dedup_key: str) -> Ended | None:
    """The newest incident of an alert that its source has not ended since; only where the incident is over."""
    statement = (
        select(AlertRow, IncidentRow)
        .join(IncidentRow, IncidentRow.id == AlertRow.incident_id)
        .where(AlertRow.integration_id == integration_id, AlertRow.dedup_key == dedup_key)
        .order_by(IncidentRow.number.desc())
        .limit(1)
    )
    found = (await session.execute(statement)).one_or_none()
    if found is None:
        return None
    alert, incident = found
    if not alert.firing or incident.resolved_at is None:
        return None
    tickets = Incident.model_validate({**incident.body, "obligations": ()}).tickets
    own = next((one for one in tickets if (one.integration_id, one.id) == (integration_id, dedup_key)), None)
    return Ended(incident.id, incident.resolved_at, own)


async def end_closed(session: WriteSession, integration_id: str, dedup_key: str) -> None:
    """Note that the source says of an alert that it is over, whose incident is over already."""
    await session.execute(
        update(AlertRow)
        .where(AlertRow.integration_id == integration_id, AlertRow.dedup_key == dedup_key, ~AlertRow.open)
        .values(firing=False)
        .execution_options(synchronize_session=False)
    )


async def let_go(session: WriteSession, incident_id: UUID) -> Sequence[AlertRow]:
    """What is only collected under the incident is its no more; those that still fire, the oldest first."""
    await session.flush()
    statement = (
        update(AlertRow)
        .where(AlertRow.incident_id == incident_id, AlertRow.collected, AlertRow.firing)
        .values(open=False, firing=False)
        .returning(AlertRow)
        .execution_options(populate_existing=True)
    )
    return sorted((await session.scalars(statement)).all(), key=lambda row: (row.first_at, row.id))


async def close(session: WriteSession, incident_id: UUID) -> None:
    """The incident is over: a trigger of one of its alerts opens a new one from now on."""
    await session.execute(
        update(AlertRow)
        .where(AlertRow.incident_id == incident_id, AlertRow.open)
        .values(open=False)
        .execution_options(synchronize_session=False)
    )


def _open(integration_id: str, dedup_keys: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (AlertRow.integration_id == integration_id, AlertRow.dedup_key.in_(dedup_keys), AlertRow.open.is_(True))
