"""Who may call the API, and their keys. All of it is for admins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from libs.common.auth import Admin, Principal
from libs.common.errors import Forbidden, NotFound
from libs.common.events.directory import KeyRole
from services.oncall.api.edge import Work
from services.oncall.domain.nouns import PrincipalEntry
from services.oncall.handlers import entities
from services.oncall.handlers import principals as handlers
from services.oncall.store import directory as directory_store
from services.oncall.store import keys
from services.oncall.store.keys import StoredKey

router = APIRouter(prefix="/v1/principals", tags=["principals"])

PrincipalId = Annotated[str, Path(max_length=63)]


class KeyView(BaseModel):
    """A key as it can be shown: by the part that it is found by."""

    id: str
    origin: str
    issued_at: datetime
    issued_by: str
    expires_at: datetime | None


class PrincipalView(BaseModel):
    """A principal with its keys."""

    id: str
    name: str
    roles: tuple[KeyRole, ...]
    tenants: tuple[str, ...] | None
    person: str | None
    keys: list[KeyView]


class Principals(BaseModel):
    """Every principal."""

    principals: list[PrincipalView]


class KeyWish(BaseModel):
    """What the new key is to be."""

    model_config = ConfigDict(extra="forbid")

    expires_at: AwareDatetime | None = Field(None, description="When it ends by itself; never, where it is not given.")


class NewKey(BaseModel):
    """A new key. ``key`` is shown this once and stored nowhere."""

    id: str
    key: str
    expires_at: datetime | None


@router.get("", summary="List the principals")
async def list_principals(admin: Admin, work: Work) -> Principals:
    """Every principal with its keys, none of which can be read again."""
    _whole(admin)
    async with work.read() as session:
        directory = await directory_store.directory(session)
        stored = await keys.all_keys(session)
    return Principals(principals=[_view(entry, stored) for entry in directory.principals.values()])


@router.get("/{principal_id}", summary="One principal")
async def get_principal(principal_id: PrincipalId, admin: Admin, work: Work) -> PrincipalView:
    """A principal with its keys."""
    _whole(admin)
    return await _one(principal_id, work)


@router.post("", status_code=201, summary="Add a principal")
async def add_principal(principal: PrincipalEntry, admin: Admin, work: Work) -> PrincipalView:
    """Add a principal. It has no key yet."""
    _whole(admin)
    async with work.begin() as tx:
        await entities.put(tx, principal, admin.id, only_new=True)
    return await _one(principal.id, work)


@router.delete("/{principal_id}", status_code=204, summary="Remove a principal")
async def remove_principal(principal_id: PrincipalId, admin: Admin, work: Work) -> None:
    """Remove a principal that was added here, and end its keys."""
    _whole(admin)
    async with work.begin() as tx:
        await entities.remove(tx, "principal", principal_id, admin.id)


@router.post("/{principal_id}/keys", status_code=201, summary="Make a key")
async def issue_key(principal_id: PrincipalId, admin: Admin, work: Work, wish: KeyWish | None = None) -> NewKey:
    """Make a key. It is shown this once."""
    _whole(admin)
    async with work.begin() as tx:
        issued = await handlers.issue(tx, principal_id, wish.expires_at if wish else None, admin.id)
    return NewKey(id=issued.hashed.id, key=issued.plain, expires_at=issued.hashed.expires_at)


@router.delete("/{principal_id}/keys/{key_id}", status_code=204, summary="End a key")
async def revoke_key(
    principal_id: PrincipalId, key_id: Annotated[str, Path(max_length=40)], admin: Admin, work: Work
) -> None:
    """End a key at once, here, and in the other services as soon as they hear of it."""
    _whole(admin)
    async with work.begin() as tx:
        await handlers.revoke(tx, principal_id, key_id, admin.id)


def _whole(admin: Principal) -> None:
    """Principals are nobody's who is bound to tenants: they could give themselves more."""
    if admin.tenants is not None:
        raise Forbidden(
            f"{admin.name} is bound to the tenants {', '.join(admin.tenants)} and cannot manage principals."
        )


async def _one(principal_id: str, work: Work) -> PrincipalView:
    async with work.read() as session:
        entry = (await directory_store.directory(session)).principals.get(principal_id)
        stored = await keys.all_keys(session, principal_id)
    if entry is None:
        raise NotFound(f"There is no principal {principal_id!r}.")
    return _view(entry, stored)


def _view(entry: PrincipalEntry, stored: Sequence[StoredKey]) -> PrincipalView:
    shown = [
        KeyView(
            id=key.hashed.id,
            origin=key.origin,
            issued_at=key.issued_at,
            issued_by=key.issued_by,
            expires_at=key.hashed.expires_at,
        )
        for key in stored
        if key.principal == entry.id
    ]
    return PrincipalView(
        id=entry.id, name=entry.name, roles=entry.roles, tenants=entry.tenants, person=entry.person, keys=shown
    )
