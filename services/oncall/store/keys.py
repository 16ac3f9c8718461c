"""Keys of principals, as hashes."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from libs.common.db.session import ReadSession, WriteSession
from libs.common.events.directory import HashedKey
from services.oncall.domain.changes import Origin
from services.oncall.store.tables import KeyRow


@dataclass(frozen=True)
class StoredKey:
    """A key as oncall keeps it."""

    principal: str
    hashed: HashedKey
    origin: str
    issued_at: datetime
    issued_by: str


async def all_keys(session: ReadSession | WriteSession, principal: str | None = None) -> list[StoredKey]:
    """Every key, or those of one principal, the oldest first."""
    query = select(KeyRow).order_by(KeyRow.principal, KeyRow.issued_at, KeyRow.id)
    if principal is not None:
        query = query.where(KeyRow.principal == principal)
    return [
        StoredKey(
            row.principal,
            HashedKey(id=row.id, digest=row.digest, expires_at=row.expires_at),
            row.origin,
            row.issued_at,
            row.issued_by,
        )
        for row in await session.scalars(query)
    ]


async def put(
    session: WriteSession, principal: str, key: HashedKey, *, origin: Origin, issued_by: str, now: datetime
) -> None:
    """Store a key; the same id again replaces it."""
    kept = {
        "principal": principal,
        "digest": key.digest,
        "origin": origin,
        "expires_at": key.expires_at,
        "issued_at": now,
        "issued_by": issued_by,
    }
    statement = insert(KeyRow).values(id=key.id, **kept)
    await session.execute(statement.on_conflict_do_update(index_elements=[KeyRow.id], set_=kept))


async def drop(session: WriteSession, key_ids: Collection[str]) -> None:
    """Forget these keys."""
    if key_ids:
        await session.execute(delete(KeyRow).where(KeyRow.id.in_(key_ids)))
