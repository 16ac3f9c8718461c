"""The replica of principals: who it knows, and how soon it forgets."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from libs.common.auth import IssuedKey, KeyRing, issue_key, take_principal
from libs.common.chance import Chance
from libs.common.clock import ManualClock
from libs.common.db.session import Database
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import UnitOfWork
from libs.common.errors import Unauthenticated
from libs.common.events.directory import KeyRole, PrincipalChanged
from tests.support.sample import T0, sample_database, work

KEY = issue_key(Chance(1))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with sample_database(database_url) as found:
        yield found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def uow(database: Database, clock: ManualClock) -> UnitOfWork:
    return work(database, clock, Wakeups(database))


def changed(
    *keys: IssuedKey, role: KeyRole = "viewer", minutes: int = 0, removed: bool = False, name: str = "Bot"
) -> PrincipalChanged:
    at = T0 + timedelta(minutes=minutes)
    hashed = tuple(key.hashed for key in keys)
    return PrincipalChanged(id="bot", name=name, roles=(role,), tenants=("acme",), keys=hashed, removed=removed, at=at)


async def take(uow: UnitOfWork, event: PrincipalChanged) -> None:
    async with uow.begin() as tx:
        await take_principal(tx, event)


async def test_a_key_leads_to_its_principal(uow: UnitOfWork) -> None:
    await take(uow, changed(KEY, role="operator"))
    principal = await KeyRing(uow).principal_of(KEY.plain)
    assert (principal.id, principal.roles, principal.tenants) == ("bot", ("operator",), ("acme",))


@pytest.mark.parametrize(
    "plain", ["", "secret", issue_key(Chance(2)).plain, KEY.plain[:-1] + "!", KEY.plain[:15] + "0" * 24]
)
async def test_any_other_key_is_not_known(uow: UnitOfWork, plain: str) -> None:
    await take(uow, changed(KEY))
    with pytest.raises(Unauthenticated):
        await KeyRing(uow).principal_of(plain)


async def test_a_change_is_known_at_once(uow: UnitOfWork) -> None:
    ring = KeyRing(uow)
    await take(uow, changed(KEY))
    assert (await ring.principal_of(KEY.plain)).roles == ("viewer",)
    await take(uow, changed(KEY, role="admin", minutes=1))
    assert (await ring.principal_of(KEY.plain)).roles == ("admin",)
    await take(uow, changed(minutes=2))
    with pytest.raises(Unauthenticated):
        await ring.principal_of(KEY.plain)


async def test_a_removed_principal_does_not_come_back_by_an_older_event(uow: UnitOfWork) -> None:
    ring = KeyRing(uow)
    await take(uow, changed(KEY))
    await take(uow, changed(KEY, minutes=2, removed=True))
    await take(uow, changed(KEY, minutes=1))
    with pytest.raises(Unauthenticated):
        await ring.principal_of(KEY.plain)
    assert await ring.principal_by_id("bot") is None


async def test_an_older_event_changes_nothing(uow: UnitOfWork) -> None:
    await take(uow, changed(KEY, minutes=1, name="New"))
    await take(uow, changed(KEY, name="Old"))
    assert (await KeyRing(uow).principal_of(KEY.plain)).name == "New"


async def test_a_key_stops_at_its_expiry_and_says_so(uow: UnitOfWork, clock: ManualClock) -> None:
    short = issue_key(Chance(3), expires_at=T0 + timedelta(hours=1))
    await take(uow, changed(short))
    ring = KeyRing(uow)
    assert (await ring.principal_of(short.plain)).id == "bot"
    clock.advance(timedelta(hours=1))
    with pytest.raises(Unauthenticated, match="expired"):
        await ring.principal_of(short.plain)


async def test_a_session_finds_its_principal_by_id_as_it_is_now(uow: UnitOfWork) -> None:
    ring = KeyRing(uow)
    await take(uow, changed(KEY, role="operator"))
    found = await ring.principal_by_id("bot")
    assert found is not None
    assert found.may("operator")
    assert await ring.principal_by_id("nobody") is None
