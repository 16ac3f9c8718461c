"""Heartbeats that the callers of a drop-in API make, change and remove themselves; each change is audited."""

from dataclasses import replace
from typing import Any, Final

from libs.common.db.work import Tx
from libs.common.errors import Conflict, FieldProblem, Invalid, NotFound
from libs.common.events.base import Actor
from services.intake.domain.heartbeat import Heartbeat, Wanted
from services.intake.domain.integration import Integration
from services.intake.domain.look import Look
from services.intake.domain.opsgenie_heartbeat import BadHeartbeat, told_of, wanted_of
from services.intake.handlers import heartbeats
from services.intake.handlers.receive import Receiver
from services.intake.store import heartbeats as store
from services.intake.store import integrations
from services.intake.store.heartbeats import HeartbeatRow, heartbeat_of
from services.intake.store.signed import SignedOnce, take_once

MOST: Final = 1_000
"""Heartbeats of one integration, so that one key does not fill the database."""


async def first_time(tx: Tx, integration: Integration[Any], once: str) -> None:
    """Let no signed call be done twice; ``once`` tells it, and is empty where it is not signed. Raises :class:`Conflict`."""
    if once and await take_once(tx, [SignedOnce(tx.chance.uuid7(tx.now), integration.id, once)]):
        raise Conflict("This signed call was taken before; nothing was changed again.")


async def create(tx: Tx, receiver: Receiver, integration: Integration[Any], look: Look) -> Heartbeat:
    """Make the heartbeat that a body asks for; its time runs from the first ping on. Raises :class:`Invalid`."""
    wanted = _wanted(look)
    if await store.held(tx, integration.id, wanted.name) is not None:
        raise Invalid("There is such a heartbeat.", problems=[_problem("name", "A heartbeat of this name exists.")])
    if len(await store.heartbeats_of(tx.session, integration.id)) >= MOST:
        raise Invalid("Too many.", problems=[_problem("name", f"An integration has at most {MOST} heartbeats.")])
    return await _put(tx, receiver, integration, wanted, "heartbeat created")


async def change(tx: Tx, receiver: Receiver, integration: Integration[Any], name: str, look: Look) -> Heartbeat:
    """Change what a body says of a heartbeat. Raises :class:`NotFound` and :class:`Invalid`."""
    wanted = _wanted(look, heartbeat_of(await _present(tx, integration, name)))
    return await _put(tx, receiver, integration, wanted, "heartbeat changed")


async def switch(tx: Tx, receiver: Receiver, integration: Integration[Any], name: str, *, enabled: bool) -> Heartbeat:
    """Wait for a heartbeat, or wait no more. Raises :class:`NotFound`."""
    present = heartbeat_of(await _present(tx, integration, name))
    wanted = replace(_wanted(Look({}), present), enabled=enabled)
    return await _put(tx, receiver, integration, wanted, "heartbeat enabled" if enabled else "heartbeat disabled")


async def remove(tx: Tx, receiver: Receiver, integration: Integration[Any], name: str) -> Heartbeat:
    """Remove a heartbeat; what it was. Raises :class:`NotFound`."""
    row = await _present(tx, integration, name)
    present = heartbeat_of(row)
    await heartbeats.remove(tx, receiver, integration, row, _by(integration))
    await _audit(tx, integration, "heartbeat removed", present)
    return present


async def _present(tx: Tx, integration: Integration[Any], name: str) -> HeartbeatRow:
    row = await store.held(tx, integration.id, name)
    if row is None:
        raise NotFound(f"Heartbeat with name [{name}] does not exist.")
    return row


def _wanted(look: Look, before: Heartbeat | None = None) -> Wanted:
    try:
        return wanted_of(look, before)
    except BadHeartbeat as error:
        problems = [_problem(name, sentence) for name, sentence in error.problems.items()]
        raise Invalid("The heartbeat cannot be as the body says.", problems=problems) from error


async def _put(tx: Tx, receiver: Receiver, integration: Integration[Any], wanted: Wanted, action: str) -> Heartbeat:
    heartbeat = await heartbeats.ensure(tx, receiver, integration, wanted, _by(integration))
    await _audit(tx, integration, action, heartbeat)
    return heartbeat


def _by(integration: Integration[Any]) -> str:
    """Whose doing it is: callers are known by their integration."""
    return f"by {integration.name}"


async def _audit(tx: Tx, integration: Integration[Any], action: str, heartbeat: Heartbeat) -> None:
    actor = Actor(kind="integration", id=integration.id, name=integration.name, via=integration.source)
    told = {name: value for name, value in told_of(heartbeat).items() if name != "lastPingTime"}
    await integrations.audit(tx, actor, action, integration.id, told)


def _problem(name: str, sentence: str) -> FieldProblem:
    return FieldProblem(f"#/{name}", sentence)
