"""Nobody listens to an integration any more, or to its page: what it told of and did not end would stay open for ever, unsaid.

=============================  =======================================================================================
what it told of                what becomes of it
=============================  =======================================================================================
a heartbeat that is missing    withdrawn: the alert was about the waiting itself, and nobody waits any more
anything else                  stays open, and its incident says that no word of its end will come: whether it is over,
                               nobody here knows, and nobody outside is told that it is
=============================  =======================================================================================
"""

from collections.abc import Collection
from typing import Any, Final

from pydantic_core import to_json

from libs.common.db.work import Tx
from libs.common.events.base import SYSTEM, Actor
from services.intake.domain.integration import Integration, IntegrationRecord
from services.intake.domain.mapping import NAME_LIMIT, clean
from services.intake.domain.trigger import Reading, Remark
from services.intake.domain.watching import open_keys
from services.intake.handlers import heartbeats
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import integration_of, source_named
from services.intake.handlers.watch import items_of, watched_of
from services.intake.store import pollers, triggers

JSON: Final = {"content-type": "application/json"}

UNHEARD: Final = "{why} {by}: nothing will say here that this is over. It stays open until somebody resolves it."


def by_whom(actor: Actor) -> str:
    """Whose doing it is, as a clause; the watched folder is nobody's but its file's."""
    return "in integrations.yaml" if actor == SYSTEM else f"by {clean(actor.name, NAME_LIMIT)}"


async def before_change(
    tx: Tx, receiver: Receiver, before: IntegrationRecord, after: IntegrationRecord, by: str
) -> None:
    """Of an integration that is about to be something else: tell of what it will not hear the end of."""
    integration = integration_of(before)
    if integration is None:
        return
    if before.source != after.source:
        await heartbeats.remove_all(tx, receiver, integration, by)
        keys = await _open_keys(tx, before.id)
        await _tell(tx, receiver, integration, keys, "Another source was given to this integration", by)
    elif watched_of(before) is not None and watched_of(after) is None:
        keys = await _watched_keys(tx, before.id)
        await _tell(tx, receiver, integration, keys, "The provider's page is no longer asked, since that was ended", by)


async def before_removal(tx: Tx, receiver: Receiver, record: IntegrationRecord, by: str) -> None:
    """Of an integration that is about to be removed: withdraw and tell."""
    integration = integration_of(record)
    if integration is None:
        return
    await heartbeats.remove_all(tx, receiver, integration, by)
    keys = await _open_keys(tx, record.id)
    await _tell(tx, receiver, integration, keys, "This integration was removed", by)


async def _open_keys(tx: Tx, integration_id: str) -> Collection[str]:
    """One dedup key for each group of alerts that the integration has not ended."""
    told = await triggers.unended(tx.session, integration_id)
    return dict.fromkeys([*await _watched_keys(tx, integration_id), *told])


async def _watched_keys(tx: Tx, integration_id: str) -> Collection[str]:
    row = await pollers.locked(tx, integration_id)
    return () if row is None else open_keys(items_of(row))


async def _tell(
    tx: Tx, receiver: Receiver, integration: Integration[Any], keys: Collection[str], why: str, by: str
) -> None:
    if not keys:
        return
    note = UNHEARD.format(why=why, by=by)
    remarks = tuple(Remark("noted", key, note=note) for key in keys)
    body = to_json({"tocsin_note": note, "about": list(keys)})
    source = source_named(integration.source)
    await receiver.receive_in(tx, source, integration, JSON, body, reading=Reading(remarks=remarks))
