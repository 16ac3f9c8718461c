"""Changes of the directory: taken in as a whole, written to the audit, announced where they are news."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common.auth import take_principal
from libs.common.config import FOLDER
from libs.common.db.work import Tx
from libs.common.events.directory import DirectoryEntry, HashedKey, PrincipalChanged
from libs.common.logs import get_logger
from services.oncall.domain.announce import acts_as, announcements, news
from services.oncall.domain.changes import Change, Entry, changes, document
from services.oncall.domain.directory import Directory
from services.oncall.domain.own import differs
from services.oncall.domain.people import Person
from services.oncall.domain.validate import Tree, warnings
from services.oncall.store import audit, keys, verifications
from services.oncall.store import directory as directory_store
from services.oncall.store import own as own_store

log = get_logger(__name__)


async def take_in(tx: Tx, tree: Tree, config_keys: Mapping[str, HashedKey], actor: str = FOLDER) -> list[Change]:
    """Make the configuration's part of the directory what ``tree`` says, and its keys ``config_keys`` (by principal).

    What the API added stays. Returns what changed.
    """
    await directory_store.lock(tx.session)
    wanted = [
        Entry(noun, entity, position, "config")
        for noun, entities in tree.items()
        for position, entity in enumerate(entities)
    ]
    found = changes(await directory_store.entries(tx.session), wanted, tree)
    await _store(tx, found, actor)
    await _take_keys(tx, config_keys, actor)
    await announce(tx)
    for problem in warnings(await directory_store.directory(tx.session), tx.now):
        log.warning("configuration taken in with a doubt", place=str(problem))
    return found


async def change(tx: Tx, one: Change, actor: str) -> None:
    """Make one change for ``actor``, and tell everybody. The caller holds the directory's lock."""
    await _store(tx, [one], actor)
    await announce(tx)


async def announce(tx: Tx) -> int:
    """Tell the other services what is news to them, and keep this service's own replica of principals. Returns how much it was."""
    await directory_store.lock(tx.session)
    at = await _moment(tx)
    return await _tell(tx, news(await _current(tx, at), await directory_store.announced(tx.session), at))


async def republish(tx: Tx, actor: str) -> int:
    """Tell the other services everything again, for a bus that lost it. Returns how much it was."""
    await directory_store.lock(tx.session)
    await audit.record(tx, actor, "republished", ("directory", "all"))
    return await _tell(tx, await _current(tx, await _moment(tx)))


async def _moment(tx: Tx) -> datetime:
    """The time of this announcement: never before the last one, also where this transaction began first and waited for the lock."""
    newest = await directory_store.announced_until(tx.session)
    return max(tx.now, newest) if newest else tx.now


async def _current(tx: Tx, at: datetime) -> Sequence[DirectoryEntry]:
    directory = await directory_store.directory(tx.session)
    return announcements(directory, await _keys_by_principal(tx, directory), at, await _slack_ids(tx, directory))


async def _slack_ids(tx: Tx, directory: Directory) -> dict[str, tuple[str, ...]]:
    """By which ids people act in Slack: as the configuration says, and as codes proved."""
    entries = await directory_store.entries(tx.session)
    configured = {one.entity.id: one.entity for one in entries if isinstance(one.entity, Person)}
    proved: dict[str, list[tuple[str, str]]] = {}
    for person, channel, address in await verifications.verified(tx.session):
        proved.setdefault(person, []).append((channel, address))
    return {
        person.id: acts_as(person, configured.get(person.id), proved.get(person.id, ()))
        for person in directory.people.values()
    }


async def _keys_by_principal(tx: Tx, directory: Directory) -> dict[str, list[HashedKey]]:
    by_principal: dict[str, list[HashedKey]] = {principal: [] for principal in directory.principals}
    for key in await keys.all_keys(tx.session):
        by_principal.setdefault(key.principal, []).append(key.hashed)
    return by_principal


async def _tell(tx: Tx, events: Sequence[DirectoryEntry]) -> int:
    await tx.emit(*events)
    await directory_store.remember(tx.session, events)
    for event in events:
        if isinstance(event, PrincipalChanged):
            await take_principal(tx, event)
    return len(events)


async def _store(tx: Tx, found: Sequence[Change], actor: str) -> None:
    await directory_store.save(tx.session, found, tx.now)
    for one in found:
        if one.told:
            await audit.record(tx, actor, one.action, one.place, before=document(one.before), after=document(one.after))
        if one.place[0] == "principal" and one.after is None:
            gone = await keys.all_keys(tx.session, one.place[1])
            await keys.drop(tx.session, [key.hashed.id for key in gone])
        if one.place[0] == "person":
            await _keep_contacts(tx, one, actor)


async def _keep_contacts(tx: Tx, one: Change, actor: str) -> None:
    """A contact that is gone is verified no more, also where it comes back; write down who vouches for which from now on.

    What somebody said themselves stays until they are reached otherwise by what is said of them here.
    """
    before, after = (_person(entry) for entry in (one.before, one.after))
    said = await own_store.of_person(tx.session, one.place[1])
    own = said[0] if said is not None else None
    if own is not None and (before is None or after is None or differs(before, after)):
        await own_store.drop(tx.session, one.place[1])
        await audit.record(tx, actor, "own_superseded", one.place, before=own.model_dump(mode="json"))
        own = None
    contacts = after.contacts if after else ()
    kept = [(point.channel, point.address) for point in (own.contacts if own else contacts)]
    await verifications.forget_others(tx.session, one.place[1], kept)
    for point in contacts:
        if point.verified and (before is None or point not in before.contacts):
            shown = {"channel": point.channel, "address": point.address}
            await audit.record(tx, actor, "vouched", one.place, after=shown)


def _person(entry: Entry | None) -> Person | None:
    return entry.entity if entry is not None and isinstance(entry.entity, Person) else None


async def _take_keys(tx: Tx, wanted: Mapping[str, HashedKey], actor: str) -> None:
    """Make the keys that come from the configuration exactly these."""
    present = {key.hashed.id: key for key in await keys.all_keys(tx.session) if key.origin == "config"}
    kept = {key.id for key in wanted.values()}
    for key_id, key in present.items():
        if key_id not in kept:
            await keys.drop(tx.session, [key_id])
            await audit.record(tx, actor, "key_revoked", ("principal", key.principal), before={"key": key_id})
    for principal, hashed in wanted.items():
        before = present.get(hashed.id)
        if before is None or (before.principal, before.hashed) != (principal, hashed):
            await keys.put(tx.session, principal, hashed, origin="config", issued_by=actor, now=tx.now)
            await audit.record(tx, actor, "key_issued", ("principal", principal), after={"key": hashed.id})
