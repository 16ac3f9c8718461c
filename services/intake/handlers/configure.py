"""``integrations.yaml``: what it says, and how it is taken in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import AwareDatetime, Field, ValidationError

from libs.common.auth import hash_key
from libs.common.config import FOLDER, Apply, ConfigModel, ConfigTree, SecretRef
from libs.common.configuration import Form
from libs.common.db.work import Tx
from libs.common.errors import Invalid, Misconfigured
from libs.common.events.base import SYSTEM, Actor, Slug, TriggerKind
from libs.common.events.directory import HashedKey
from services.intake.domain.integration import IntegrationRecord, KeyRecord
from services.intake.handlers import farewell, heartbeats, providers
from services.intake.handlers.receive import Receiver
from services.intake.sources.registry import all_sources
from services.intake.store import integrations as store

FILE: Final = "integrations.yaml"
Path = tuple[str | int, ...]


class KeyEntry(ConfigModel):
    """A further key, with its end: so a sender's key is changed without a gap."""

    key: SecretRef
    expires_at: AwareDatetime | None = None


class IntegrationEntry(ConfigModel):
    """One sender."""

    id: Slug
    name: str = Field(min_length=1)
    source: str
    kind: TriggerKind | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    key: SecretRef | None = None
    keys: list[KeyEntry] = Field(default_factory=list)


class IntegrationsFile(ConfigModel):
    """The whole file."""

    integrations: list[IntegrationEntry]


FORM: Final = Form({FILE: IntegrationsFile})


def check(tree: ConfigTree) -> None:
    """Raise :class:`Misconfigured` for what is wrong with the file itself, whatever the API has made."""
    for number, entry in enumerate(tree.load(FILE, IntegrationsFile).integrations):
        _check(tree, entry, {}, ("integrations", number))


def taking(receiver: Receiver) -> Apply:
    """How the file is taken in; what that ends is told through ``receiver``."""

    async def apply(tx: Tx, tree: ConfigTree) -> None:
        await take(tx, receiver, tree)

    return apply


async def take(tx: Tx, receiver: Receiver, tree: ConfigTree) -> None:
    """Make the integrations of the file be as it says, and remove those that it no longer names.

    Keys that were issued through the API stay. Raises :class:`Misconfigured` with file, line and rule.
    """
    entries = tree.load(FILE, IntegrationsFile).integrations
    present = {record.id: record for record in await store.all_integrations(tx.session)}
    wanted_keys: dict[str, tuple[str, HashedKey]] = {}
    for number, entry in enumerate(entries):
        at: Path = ("integrations", number)
        _check(tree, entry, present, at)
        for key, place in _keys(tree, entry, at):
            if key.id in wanted_keys:
                raise tree.error(
                    FILE, place, "this key is already another integration's; every integration needs its own"
                )
            wanted_keys[key.id] = (entry.id, key)
    actor = SYSTEM if tree.by == FOLDER else Actor(kind="principal", id=tree.by, name=tree.by, via="api")
    by = farewell.by_whom(actor)
    named = {entry.id for entry in entries}
    for record in present.values():
        if record.origin == "config" and record.id not in named:
            await farewell.before_removal(tx, receiver, record, by)
            await providers.withdraw(tx, record, None)
            await store.remove_integration(tx, record.id)
    for entry in entries:
        before, after = present.get(entry.id), _record(entry)
        if before is not None:
            await farewell.before_change(tx, receiver, before, after, by)
        await providers.withdraw(tx, before, after)
        await store.save_integration(tx, after)
    await _take_keys(tx, wanted_keys)
    await heartbeats.align(tx, receiver, by)
    await store.audit(tx, actor, "configuration taken in", FILE, {"integrations": sorted(named)})


def _check(tree: ConfigTree, entry: IntegrationEntry, present: Mapping[str, IntegrationRecord], at: Path) -> None:
    source = all_sources().get(entry.source)
    if source is None:
        rule = f"there is no source {entry.source!r}; there are {', '.join(all_sources())}"
        raise tree.error(FILE, (*at, "source"), rule)
    owner = present.get(entry.id)
    if owner is not None and owner.origin == "api":
        raise tree.error(FILE, (*at, "id"), f"{entry.id} was made through the API; remove it there, or take another id")
    try:
        source.options.model_validate(entry.options)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        rule = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            rule = f"no such option; known here: {', '.join(source.options.model_fields) or 'none'}"
        raise tree.error(FILE, (*at, "options", *problem["loc"]), rule) from error


def _keys(tree: ConfigTree, entry: IntegrationEntry, at: Path) -> list[tuple[HashedKey, Path]]:
    """The keys whose secrets are there. One that is not set is simply not there."""
    refs: list[tuple[SecretRef, datetime | None, Path]] = []
    if entry.key is not None:
        refs.append((entry.key, None, (*at, "key")))
    refs += [(more.key, more.expires_at, (*at, "keys", index)) for index, more in enumerate(entry.keys)]
    found = []
    for ref, expires_at, place in refs:
        plain = tree.secret(ref)
        if plain is None:
            continue
        try:
            found.append((hash_key(plain, expires_at), place))
        except Invalid as error:
            raise tree.error(FILE, place, f"{error.detail}; an integration's has no {'tocsin_'!r}") from error
    return found


def _record(entry: IntegrationEntry) -> IntegrationRecord:
    return IntegrationRecord(entry.id, entry.name, entry.source, entry.kind, entry.options, "config")


async def _take_keys(tx: Tx, wanted: Mapping[str, tuple[str, HashedKey]]) -> None:
    present: dict[str, KeyRecord] = {record.key.id: record for record in await store.all_keys(tx.session)}
    gone = [
        key_id
        for key_id, record in present.items()
        if record.origin == "config" and wanted.get(key_id, ("",))[0] != record.integration_id
    ]
    await store.remove_keys(tx, gone)
    for key_id, (integration_id, key) in wanted.items():
        record = present.get(key_id)
        if record is None or key_id in gone:
            await store.add_key(tx, integration_id, key, "config")
        elif record.origin == "api":
            raise Misconfigured(f"{FILE}: {integration_id}: the key {key_id}… was issued through the API already")
        elif record.key != key:
            await store.change_key(tx, key)
