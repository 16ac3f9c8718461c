"""Principals and their keys, as the API manages them."""

from datetime import datetime
from typing import Final

from libs.common.auth import IssuedKey, issue_key
from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid, NotFound
from services.oncall.domain.changes import Change, Entry
from services.oncall.domain.nouns import PrincipalEntry
from services.oncall.domain.validate import errors_of
from services.oncall.handlers.directory import announce, change
from services.oncall.store import audit, keys
from services.oncall.store import directory as directory_store

EXPIRY: Final = "key-expiry"
"""The kind of the timers that end keys."""


async def add(tx: Tx, principal: PrincipalEntry, actor: str) -> None:
    """Add a principal. Raises :class:`Conflict` where the id is taken, :class:`Invalid` where it refers to nothing."""
    await directory_store.lock(tx.session)
    entries = await directory_store.entries(tx.session)
    if any(entry.place == ("principal", principal.id) for entry in entries):
        raise Conflict(f"There is a principal {principal.id!r} already; choose another id.")
    dangling = errors_of(principal, [entry.entity for entry in entries])
    if dangling:
        pointers = [FieldProblem("#/" + "/".join(map(str, path)), text) for path, text in dangling]
        raise Invalid("The principal refers to what the directory does not have.", problems=pointers)
    position = 1 + max((entry.position for entry in entries if entry.noun == "principal"), default=-1)
    await change(tx, Change(None, Entry("principal", principal, position, "api")), actor)


async def remove(tx: Tx, principal_id: str, actor: str) -> None:
    """Remove a principal that the API added, and its keys."""
    await directory_store.lock(tx.session)
    entry = await _entry(tx, principal_id)
    if entry.origin == "config":
        raise Conflict(f"{entry.entity.name} comes from principals.yaml; remove it there.")
    await change(tx, Change(entry, None), actor)


async def issue(tx: Tx, principal_id: str, expires_at: datetime | None, actor: str) -> IssuedKey:
    """A new key for a principal. The plain key is in what is returned, and nowhere else."""
    await directory_store.lock(tx.session)
    await _entry(tx, principal_id)
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


async def _entry(tx: Tx, principal_id: str) -> Entry:
    for entry in await directory_store.entries(tx.session):
        if entry.place == ("principal", principal_id):
            return entry
    raise NotFound(f"There is no principal {principal_id!r}.")
