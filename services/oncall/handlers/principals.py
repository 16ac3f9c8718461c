"""Keys of principals, as the API makes and ends them."""

from datetime import datetime
from typing import Final

from libs.common.auth import IssuedKey, issue_key
from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid, NotFound
from services.oncall.handlers.directory import announce
from services.oncall.store import audit, keys
from services.oncall.store import directory as directory_store

EXPIRY: Final = "key-expiry"
"""The kind of the timers that end keys."""


async def issue(tx: Tx, principal_id: str, expires_at: datetime | None, actor: str) -> IssuedKey:
    """A new key for a principal. The plain key is in what is returned, and nowhere else."""
    await directory_store.lock(tx.session)
    await _must_exist(tx, principal_id)
    if expires_at is not None and expires_at <= tx.now:
        problem = FieldProblem("#/expires_at", "lies in the past")
        raise Invalid("A key must expire in the future.", problems=(problem,))
    issued = issue_key(tx.chance, expires_at=expires_at)
    await keys.put(tx.session, principal_id, issued.hashed, origin="api", issued_by=actor, now=tx.now)
    shown = {"key": issued.hashed.id, "expires_at": expires_at.isoformat() if expires_at else None}
    await audit.record(tx, actor, "key_issued", ("principal", principal_id), after=shown)
    if expires_at is not None:
        await tx.schedule(EXPIRY, issued.hashed.id, expires_at, {"principal": principal_id})
    await announce(tx)
    return issued


async def revoke(tx: Tx, principal_id: str, key_id: str, actor: str) -> None:
    """End a key. Raises :class:`NotFound`, and :class:`Conflict` for a key that the environment gives."""
    await directory_store.lock(tx.session)
    held = {key.hashed.id: key for key in await keys.all_keys(tx.session, principal_id)}
    if key_id not in held:
        raise NotFound(f"The principal {principal_id!r} has no key {key_id!r}.")
    if held[key_id].origin == "config":
        raise Conflict("This key comes from principals.yaml; change the variable or the file that it names.")
    await tx.cancel(EXPIRY, key_id)
    await _end(tx, principal_id, key_id, "key_revoked", actor)


async def expire(tx: Tx, principal_id: str, key_id: str) -> None:
    """Forget a key whose time is over; where it is gone already nothing happens."""
    await directory_store.lock(tx.session)
    held = {key.hashed.id: key.hashed for key in await keys.all_keys(tx.session, principal_id)}
    expires_at = held[key_id].expires_at if key_id in held else None
    if expires_at is not None and expires_at <= tx.now:
        await _end(tx, principal_id, key_id, "key_expired", "clock")


async def _end(tx: Tx, principal_id: str, key_id: str, action: str, actor: str) -> None:
    await keys.drop(tx.session, [key_id])
    await audit.record(tx, actor, action, ("principal", principal_id), before={"key": key_id})
    await announce(tx)


async def _must_exist(tx: Tx, principal_id: str) -> None:
    if principal_id not in (await directory_store.directory(tx.session)).principals:
        raise NotFound(f"There is no principal {principal_id!r}.")
