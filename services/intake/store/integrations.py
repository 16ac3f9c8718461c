"""Integrations, their keys, and the audit of their changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.work import Tx
from libs.common.events.base import Actor, TriggerKind
from libs.common.events.directory import HashedKey
from services.intake.domain.integration import IntegrationRecord, KeyRecord, Origin
from services.intake.store.tables import AuditRow, IntegrationKeyRow, IntegrationRow

INTEGRATIONS_WAKE: Final = "integrations"
"""Wakes every replica's memory of integrations and keys."""


async def all_integrations(session: AsyncSession) -> list[IntegrationRecord]:
    """Every integration, in the order of their ids."""
    rows = await session.scalars(select(IntegrationRow).order_by(IntegrationRow.id))
    return [_record(row) for row in rows]


async def all_keys(session: AsyncSession) -> list[KeyRecord]:
    """Every key, the oldest first."""
    rows = await session.scalars(select(IntegrationKeyRow).order_by(IntegrationKeyRow.created_at, IntegrationKeyRow.id))
    return [_key(row) for row in rows]


async def integration(session: AsyncSession, integration_id: str) -> IntegrationRecord | None:
    """One integration."""
    row = await session.get(IntegrationRow, integration_id)
    return None if row is None else _record(row)


async def keys_of(session: AsyncSession, integration_id: str) -> list[KeyRecord]:
    """The keys of one integration, the oldest first."""
    mine = IntegrationKeyRow.integration_id == integration_id
    rows = await session.scalars(select(IntegrationKeyRow).where(mine).order_by(IntegrationKeyRow.created_at))
    return [_key(row) for row in rows]


async def key_by_id(session: AsyncSession, key_id: str) -> KeyRecord | None:
    """One key by its public part."""
    row = await session.get(IntegrationKeyRow, key_id)
    return None if row is None else _key(row)


async def save_integration(tx: Tx, record: IntegrationRecord) -> None:
    """Insert the integration, or replace what its id stood for."""
    fresh = {
        "name": record.name,
        "source": record.source,
        "kind": record.kind,
        "options": dict(record.options),
        "origin": record.origin,
        "updated_at": tx.now,
    }
    statement = upsert(IntegrationRow).values(id=record.id, created_at=tx.now, **fresh)
    await tx.session.execute(statement.on_conflict_do_update(index_elements=[IntegrationRow.id], set_=fresh))
    tx.wakes.add(INTEGRATIONS_WAKE)


async def remove_integration(tx: Tx, integration_id: str) -> None:
    """Remove the integration and its keys. Bodies that it sent stay."""
    await tx.session.execute(delete(IntegrationRow).where(IntegrationRow.id == integration_id))
    tx.wakes.add(INTEGRATIONS_WAKE)


async def add_key(tx: Tx, integration_id: str, key: HashedKey, origin: Origin) -> None:
    """Give the integration a key."""
    await tx.session.execute(
        insert(IntegrationKeyRow).values(
            id=key.id,
            integration_id=integration_id,
            digest=key.digest,
            origin=origin,
            created_at=tx.now,
            expires_at=key.expires_at,
        )
    )
    tx.wakes.add(INTEGRATIONS_WAKE)


async def change_key(tx: Tx, key: HashedKey) -> None:
    """Renew the digest and the end of a key that is there."""
    fresh = {"digest": key.digest, "expires_at": key.expires_at}
    await tx.session.execute(update(IntegrationKeyRow).where(IntegrationKeyRow.id == key.id).values(**fresh))
    tx.wakes.add(INTEGRATIONS_WAKE)


async def remove_keys(tx: Tx, key_ids: Sequence[str]) -> None:
    """Remove keys; what is sent with them is refused from then on."""
    await tx.session.execute(delete(IntegrationKeyRow).where(IntegrationKeyRow.id.in_(key_ids)))
    tx.wakes.add(INTEGRATIONS_WAKE)


async def audit(tx: Tx, actor: Actor, action: str, subject: str, detail: Mapping[str, Any]) -> None:
    """Note who did what."""
    await tx.session.execute(
        insert(AuditRow).values(
            id=tx.chance.uuid7(tx.now),
            at=tx.now,
            actor=actor.model_dump(mode="json"),
            action=action,
            subject=subject,
            detail=dict(detail),
        )
    )


async def audit_trail(session: AsyncSession, limit: int) -> list[tuple[datetime, Actor, str, str, dict[str, Any]]]:
    """The newest changes first."""
    rows = await session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit))
    return [(row.at, Actor.model_validate(row.actor), row.action, row.subject, row.detail) for row in rows]


def _record(row: IntegrationRow) -> IntegrationRecord:
    kind = cast("TriggerKind | None", row.kind)
    return IntegrationRecord(row.id, row.name, row.source, kind, row.options, cast("Origin", row.origin))


def _key(row: IntegrationKeyRow) -> KeyRecord:
    key = HashedKey(id=row.id, digest=row.digest, expires_at=row.expires_at)
    return KeyRecord(row.integration_id, key, cast("Origin", row.origin), row.created_at)
