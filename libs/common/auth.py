"""Who is calling: API keys, principals and their roles, from the replica that every service keeps of them.

A key is ``tocsin_`` + 8 characters by which it is found + 24 secret ones, lower-case letters and digits. Only the
SHA-256 of the secret is stored; chance makes 124 bits of it, so that nothing slower is needed. Integration keys have no
prefix, so that they fit into the path of any sender.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param
from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from libs.common.chance import Chance
from libs.common.clock import Stopwatch
from libs.common.db.tables import PRINCIPALS
from libs.common.db.work import Tx, UnitOfWork
from libs.common.errors import Forbidden, Invalid, Unauthenticated
from libs.common.events.base import Actor
from libs.common.events.directory import HashedKey, KeyRole, PrincipalChanged

PREFIX: Final = "tocsin_"
"""What a principal's key begins with, so that scanners for leaked secrets know it."""

ID_LENGTH: Final = 8
SECRET_LENGTH: Final = 24
ALPHABET: Final = string.digits + string.ascii_lowercase
PRINCIPALS_WAKE: Final = "principals"
CACHE_SECONDS: Final = 2.0
"""How old the principals in memory may be where a wake was lost, in seconds of the machine."""

_KEY = re.compile(rf"(?:tocsin_)?([0-9a-z]{{{ID_LENGTH}}})([0-9a-z]{{{SECRET_LENGTH}}})")
_INCLUDES: Final[dict[KeyRole, frozenset[KeyRole]]] = {
    "viewer": frozenset({"viewer", "operator", "admin"}),
    "operator": frozenset({"operator", "admin"}),
    "admin": frozenset({"admin"}),
}
_KEYS = TypeAdapter(tuple[HashedKey, ...])


@dataclass(frozen=True)
class Principal:
    """Somebody or something that may call the API. ``tenants`` of ``None`` is all of them."""

    id: str
    name: str
    roles: tuple[KeyRole, ...]
    tenants: tuple[str, ...] | None = None
    person: str | None = None

    def may(self, role: KeyRole) -> bool:
        """Whether it has ``role`` or one that includes it: admin includes operator, operator includes viewer."""
        return not _INCLUDES[role].isdisjoint(self.roles)

    def actor(self, via: str = "api") -> Actor:
        """How timelines name it: the person whom it stands for, else the program."""
        if self.person is not None:
            return Actor(kind="person", id=self.person, name=self.name, via=via)
        return Actor(kind="principal", id=self.id, name=self.name, via=via)


@dataclass(frozen=True)
class IssuedKey:
    """A new key. ``plain`` is shown once and stored nowhere."""

    plain: str
    hashed: HashedKey


def issue_key(chance: Chance, prefix: str = PREFIX, expires_at: datetime | None = None) -> IssuedKey:
    """A new key; ``prefix`` of ``""`` makes an integration's, 32 characters."""
    plain = f"{prefix}{_alphanumerics(chance, ID_LENGTH)}{_alphanumerics(chance, SECRET_LENGTH)}"
    return IssuedKey(plain, hash_key(plain, expires_at))


def hash_key(plain: str, expires_at: datetime | None = None) -> HashedKey:
    """What is stored of a key that somebody chose. Raises :class:`Invalid` where it is not of a key's form."""
    parts = split_key(plain)
    if parts is None:
        raise Invalid(
            f"a key is {ID_LENGTH + SECRET_LENGTH} lower-case letters and digits, for a principal with {PREFIX} before them"
        )
    return HashedKey(id=parts[0], digest=_digest(parts[1]), expires_at=expires_at)


def split_key(plain: str) -> tuple[str, str] | None:
    """The public and the secret part of a key; ``None`` where it is not of a key's form."""
    match = _KEY.fullmatch(plain)
    return None if match is None else (match[1], match[2])


def verify(plain: str, key: HashedKey) -> bool:
    """Whether ``plain`` is the key that ``key`` was made of; takes the same time whatever is wrong. Ignores the expiry."""
    key_id, secret = split_key(plain) or ("", "")
    same_id = hmac.compare_digest(key_id.encode(), key.id.encode())
    return hmac.compare_digest(_digest(secret).encode(), key.digest.encode()) and same_id


def expired(key: HashedKey, now: datetime) -> bool:
    """Whether ``key`` is no longer valid at ``now``."""
    return key.expires_at is not None and key.expires_at <= now


def visible(principal: Principal, tenants: Iterable[str]) -> bool:
    """Whether ``principal`` may see what concerns ``tenants``. No tenant named is every tenant concerned."""
    if principal.tenants is None:
        return True
    concerned = set(tenants)
    return not concerned or not concerned.isdisjoint(principal.tenants)


def _alphanumerics(chance: Chance, length: int) -> str:
    raw = chance.token(6 * length + 64)  # 64 bits to spare make every character as likely as the others
    number = int.from_bytes(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)), "big")
    letters = []
    for _ in range(length):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


async def take_principal(tx: Tx, event: PrincipalChanged) -> None:
    """Keep the replica of principals: handler of ``PrincipalChanged`` in every service. An older event changes nothing.

    One that was removed stays as a row without keys, so that an older event cannot bring it back.
    """
    statement = insert(PRINCIPALS).values(
        id=event.id,
        name=event.name,
        roles=[] if event.removed else list(event.roles),
        tenants=None if event.tenants is None else list(event.tenants),
        person=event.person,
        keys=[] if event.removed else _KEYS.dump_python(event.keys, mode="json"),
        changed_at=event.at,
    )
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[PRINCIPALS.c.id],
            set_={column.name: statement.excluded[column.name] for column in PRINCIPALS.c if column.name != "id"},
            where=PRINCIPALS.c.changed_at <= statement.excluded.changed_at,
        )
    )
    tx.wakes.add(PRINCIPALS_WAKE)


class KeyRing:
    """Finds the principal of a key in this service's replica, which it keeps in memory until a principal changes."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._changed = asyncio.Event() if uow.wakeups is None else uow.wakeups.event(PRINCIPALS_WAKE)
        self._by_key: dict[str, tuple[Principal, HashedKey]] = {}
        self._age: Stopwatch | None = None
        self._loading = asyncio.Lock()

    async def principal_of(self, plain: str) -> Principal:
        """Whose key this is. Raises :class:`Unauthenticated`, which never says what of it was wrong, but for its expiry."""
        parts = split_key(plain)
        if parts is None:
            raise Unauthenticated("This is no key that Tocsin knows.")
        found = (await self._fresh()).get(parts[0])
        if found is None or not verify(plain, found[1]):
            raise Unauthenticated("This is no key that Tocsin knows.")
        if expired(found[1], self._uow.clock.now()):
            raise Unauthenticated("This key has expired; ask for a new one.")
        return found[0]

    async def principal_by_id(self, principal_id: str) -> Principal | None:
        """The principal of this id as it is now, for sessions that began with a key; ``None`` once it is gone."""
        keyed = {principal.id: principal for principal, _ in (await self._fresh()).values()}
        return keyed.get(principal_id)

    async def _fresh(self) -> dict[str, tuple[Principal, HashedKey]]:
        if self._is_old():
            async with self._loading:
                if self._is_old():  # else somebody loaded them while this waited
                    self._changed.clear()
                    self._age = None  # until they are loaded nobody else takes the old ones for new
                    self._by_key = await self._load()
                    self._age = Stopwatch()
        return self._by_key

    def _is_old(self) -> bool:
        return self._age is None or self._changed.is_set() or self._age.seconds() > CACHE_SECONDS

    async def _load(self) -> dict[str, tuple[Principal, HashedKey]]:
        by_key = {}
        async with self._uow.read() as session:
            for row in await session.execute(select(PRINCIPALS)):
                tenants = None if row.tenants is None else tuple(row.tenants)
                principal = Principal(row.id, row.name, tuple(row.roles), tenants, row.person)
                for key in _KEYS.validate_python(row.keys):
                    by_key[key.id] = (principal, key)
        return by_key


async def authenticate(request: Request, role: KeyRole | None = None) -> Principal:
    """The principal of a request's ``Authorization: Bearer`` key, who must have ``role``.

    Raises :class:`Unauthenticated` and :class:`Forbidden`.
    """
    scheme, plain = get_authorization_scheme_param(request.headers.get("Authorization"))
    if scheme.lower() != "bearer" or not plain:
        raise Unauthenticated("Send your key as “Authorization: Bearer tocsin_…”.")
    keyring: KeyRing = request.app.state.keyring
    principal = await keyring.principal_of(plain)
    request.state.principal = principal
    if role is not None and not principal.may(role):
        has = ", ".join(principal.roles) or "none"
        raise Forbidden(f"This needs the role {role}; {principal.name} has {has}.")
    return principal


class _Keyed(SecurityBase):
    """:func:`authenticate` as a dependency, which the OpenAPI document names.

    One dependency, and an asynchronous one: FastAPI pays for each, and runs a plain function in a thread at many times its cost.
    """

    scheme_name = "key"

    def __init__(self, role: KeyRole | None = None) -> None:
        self.model = HTTPBearer(description="A principal's API key.")
        self._role = role

    async def __call__(self, request: Request) -> Principal:
        """Whose key it is."""
        return await authenticate(request, self._role)


Authenticated = Annotated[Principal, Depends(_Keyed())]
"""Any principal with a valid key."""

Viewer = Annotated[Principal, Depends(_Keyed("viewer"))]
"""May read."""

Operator = Annotated[Principal, Depends(_Keyed("operator"))]
"""May act on incidents."""

Admin = Annotated[Principal, Depends(_Keyed("admin"))]
"""May change configuration, principals and keys."""
