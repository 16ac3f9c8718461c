"""Heartbeats: those that the integrations ask for, pings, and what happens when a time has run out."""

from dataclasses import asdict, replace
from typing import Any, Final

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from libs.common.db.timers import DueTimer
from libs.common.db.work import Tx
from libs.common.errors import NotFound
from libs.common.logs import get_logger
from services.intake.domain.heartbeat import Heartbeat, Wanted, judge
from services.intake.domain.integration import Integration, SourceOptions
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import integration_of
from services.intake.sources.common import CommonOptions
from services.intake.sources.heartbeat import SOURCE, HeartbeatOptions, Turn, note
from services.intake.store import heartbeats as store
from services.intake.store import integrations
from services.intake.store.heartbeats import HeartbeatRow, heartbeat_of
from services.intake.store.signed import SignedOnce, take_once

log = get_logger(__name__)

TIMER: Final = "heartbeat"
"""The kind of timer that looks whether one is missing; its key is integration and name."""

JSON: Final = {"content-type": "application/json"}
OF_CALLERS: Final = frozenset({"opsgenie"})
"""Sources whose callers make, change and remove heartbeats themselves."""


async def align(tx: Tx, receiver: Receiver, by: str) -> None:
    """Have a heartbeat for each integration that is one, as its options say, and none for what is one no more. ``by``: whose doing it is."""
    present = [integration_of(record) for record in await integrations.all_integrations(tx.session)]
    known = {integration.id: integration for integration in present if integration is not None}
    for integration in known.values():
        if integration.source == SOURCE.name:
            options: HeartbeatOptions = integration.options
            wanted = Wanted(
                integration.id, integration.name, options.every, options.grace, options.enabled, at_once=True
            )
            await ensure(tx, receiver, integration, wanted, by)
    for row in await store.all_heartbeats(tx.session):
        of = known.get(row.integration_id)
        if of is None or not (of.source in OF_CALLERS or (of.source == SOURCE.name and row.name == row.integration_id)):
            await remove(tx, receiver, of, await _held(tx, row.integration_id, row.name), by)


async def ensure(tx: Tx, receiver: Receiver, integration: Integration[Any], wanted: Wanted, by: str) -> Heartbeat:
    """Make the heartbeat, or change it to what is wanted; its time goes on where it runs, and begins anew where it stood still.

    Where ``by`` disables it while it is missing, its alert is withdrawn.
    """
    since = tx.now if wanted.at_once else None
    fresh = Heartbeat(
        integration.id, wanted.name, wanted.title, wanted.every, wanted.grace, wanted.enabled, since, None, None
    )
    await store.added(tx, fresh)
    row = await _held(tx, integration.id, wanted.name)
    if not wanted.enabled:
        await _withdraw(tx, receiver, integration, row, f"its heartbeat was disabled {by}")
    if wanted.enabled and not row.enabled and (row.since or row.last_at or wanted.at_once):
        row.since = tx.now
    row.title, row.every, row.grace, row.enabled = wanted.title, wanted.every, wanted.grace, wanted.enabled
    row.said = {name: value for name, value in asdict(wanted.said).items() if value}
    await tx.session.flush()
    heartbeat = heartbeat_of(row)
    await _plan(tx, heartbeat)
    return heartbeat


async def ping(tx: Tx, receiver: Receiver, integration: Integration[Any], name: str, once: str = "") -> Heartbeat:
    """It was heard of. Resolves what its silence opened. Raises :class:`NotFound`.

    A signed ping that came before, which ``once`` tells, is no sign of life.
    """
    row = await _held(tx, integration.id, name)
    if once and await take_once(tx, [SignedOnce(tx.chance.uuid7(tx.now), integration.id, once)]):
        return heartbeat_of(row)
    if row.missing_since is not None:
        await _tell(tx, receiver, integration, heartbeat_of(row), "back")
        row.missing_since = None
        log.info("heartbeat is back", integration=integration.id, heartbeat=name)
    row.last_at = tx.now
    await tx.session.flush()
    heartbeat = heartbeat_of(row)
    await _plan(tx, heartbeat)
    return heartbeat


async def remove(tx: Tx, receiver: Receiver, integration: Integration[Any] | None, row: HeartbeatRow, by: str) -> None:
    """Wait for it no more, and withdraw what its silence opened; the caller has its lock.

    ``integration``: whose it is, where this version knows its source.
    """
    if integration is not None:
        await _withdraw(tx, receiver, integration, row, f"its heartbeat was deleted {by}")
    await tx.cancel(TIMER, _key(row.integration_id, row.name))
    await store.remove(tx, row.integration_id, row.name)


async def remove_all(tx: Tx, receiver: Receiver, integration: Integration[Any], by: str) -> None:
    """As :meth:`remove`, of all of an integration: it is about to be removed itself."""
    for row in await store.held_of(tx, integration.id):
        await remove(tx, receiver, integration, row, by)


async def on_timer(tx: Tx, receiver: Receiver, timer: DueTimer) -> None:
    """Its time has run out, unless it came meanwhile."""
    integration_id, name = timer.payload["integration"], timer.payload["name"]
    row = await store.held(tx, integration_id, name)
    record = await integrations.integration(tx.session, integration_id)
    integration = None if record is None else integration_of(record)
    if row is None or integration is None:
        return
    judgement = judge(heartbeat_of(row), tx.now, timer.due_at, patient=bool(timer.payload.get("patient")))
    log.info("heartbeat judged", integration=integration_id, heartbeat=name, reason=judgement.reason)
    if judgement.look_again_at is not None:
        payload = {**timer.payload, "patient": judgement.reason == "tocsin_was_away"}
        await tx.schedule(TIMER, timer.key, judgement.look_again_at, payload)
    if judgement.missed:
        await _tell(tx, receiver, integration, heartbeat_of(row), "missing")
        row.missing_since = tx.now
        await tx.session.flush()


async def note_of_ping(session: AsyncSession, integration: Integration[Any], name: str) -> dict[str, Any] | None:
    """What Tocsin would tell itself if it were heard of now; ``None`` where it is not missing."""
    row = await store.heartbeat(session, integration.id, name)
    return None if row is None or row.missing_since is None else note(heartbeat_of(row), "back")


def teller_of(integration: Integration[Any]) -> Integration[HeartbeatOptions]:
    """The integration as that of Tocsin's own notes about its heartbeats."""
    return replace(integration, source=SOURCE.name, options=_options(integration.options))


async def _held(tx: Tx, integration_id: str, name: str) -> HeartbeatRow:
    row = await store.held(tx, integration_id, name)
    if row is None:
        raise NotFound(f"There is no heartbeat {name} of {integration_id}.")
    return row


async def _withdraw(tx: Tx, receiver: Receiver, integration: Integration[Any], row: HeartbeatRow, why: str) -> None:
    """End what its silence opened, since nobody waits for it any more."""
    if row.missing_since is not None:
        await _tell(tx, receiver, integration, heartbeat_of(row), "withdrawn", why)
        row.missing_since = None
        log.info("heartbeat withdrawn", integration=integration.id, heartbeat=row.name)


async def _tell(
    tx: Tx, receiver: Receiver, integration: Integration[Any], heartbeat: Heartbeat, turn: Turn, why: str = ""
) -> None:
    """Take the note in by the door by which every body comes."""
    teller = teller_of(integration)
    await receiver.receive_in(tx, SOURCE, teller, JSON, to_json(note(heartbeat, turn, why)))


def _options(own: SourceOptions) -> HeartbeatOptions:
    """The options for the alert of a heartbeat; of an integration that is none itself what all have."""
    if isinstance(own, HeartbeatOptions):
        return own
    return HeartbeatOptions.model_validate(
        {name: getattr(own, name) for name in CommonOptions.model_fields if hasattr(own, name)}
    )


async def _plan(tx: Tx, heartbeat: Heartbeat) -> None:
    """Have its time run out when it does; where nobody waits, never."""
    key, deadline = _key(heartbeat.integration_id, heartbeat.name), heartbeat.next_look
    if deadline is None:
        await tx.cancel(TIMER, key)
    else:
        payload = {"integration": heartbeat.integration_id, "name": heartbeat.name}
        await tx.schedule(TIMER, key, deadline, payload)


def _key(integration_id: str, name: str) -> str:
    return f"{integration_id}/{name}"
