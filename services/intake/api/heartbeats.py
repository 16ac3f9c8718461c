"""Pings of heartbeats, and the list of those that are expected."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from libs.common.auth import Viewer
from services.intake.api.hooks import KEY_ID, called, sent_key
from services.intake.api.state import Here, State, state_of
from services.intake.domain.heartbeat import Heartbeat
from services.intake.domain.heartbeat import State as HeartbeatState
from services.intake.domain.signatures import Signed
from services.intake.handlers import heartbeats
from services.intake.handlers.senders import integration_of
from services.intake.sources.heartbeat import SOURCE
from services.intake.store import heartbeats as store
from services.intake.store import integrations

router = APIRouter(tags=["heartbeats"])

METHODS = ["GET", "HEAD", "POST", "PUT"]


class HeartbeatShown(BaseModel):
    """A heartbeat as it stands."""

    integration_id: str
    name: str
    title: str
    state: HeartbeatState
    every: timedelta
    grace: timedelta
    last_at: datetime | None
    expected_by: datetime | None
    """When the next ping must have come."""
    missing_since: datetime | None


def shown(heartbeat: Heartbeat) -> HeartbeatShown:
    """What is told of a heartbeat."""
    return HeartbeatShown(
        integration_id=heartbeat.integration_id,
        name=heartbeat.name,
        title=heartbeat.title,
        state=heartbeat.state,
        every=heartbeat.every,
        grace=heartbeat.grace,
        last_at=heartbeat.last_at,
        expected_by=heartbeat.expected_by,
        missing_since=heartbeat.missing_since,
    )


@router.get("/v1/heartbeats")
async def list_heartbeats(viewer: Viewer, here: Here) -> list[HeartbeatShown]:
    """Every heartbeat that is expected, with its state; of a tenant's principal those of its tenants."""
    async with here.uow.read() as session:
        rows = await store.all_heartbeats(session)
        records = {record.id: record for record in await integrations.all_integrations(session)}
    mine = None if viewer.tenants is None else set(viewer.tenants)
    found = []
    for row in rows:
        integration = integration_of(records[row.integration_id])
        tenants: Any = () if integration is None else getattr(integration.options, "tenants", ())
        if mine is None or mine.intersection(tenants):
            found.append(shown(store.heartbeat_of(row)))
    return found


@router.api_route("/v1/hooks/heartbeat/{key}", methods=METHODS, include_in_schema=False)
@router.api_route("/v1/hooks/heartbeat/{key}/", methods=METHODS, include_in_schema=False)
async def ping_with_key_in_the_path(request: Request, key: str) -> HeartbeatShown:
    """A ping; the key stands in the address."""
    return await _pinged(request, key)


@router.api_route("/v1/hooks/heartbeat", methods=METHODS, include_in_schema=False)
async def ping(request: Request) -> HeartbeatShown:
    """A ping; the key comes as a header."""
    return await _pinged(request, sent_key(request))


async def _pinged(request: Request, key: str | None) -> HeartbeatShown:
    """Note that it was heard of. The body says nothing that counts and is not kept."""
    state: State = state_of(request)
    integration = await state.senders.sender(key, SOURCE.name)
    now = state.uow.clock.now()
    state.guard.admit(SOURCE, integration, (key or "")[:KEY_ID], now)
    signed = Signed(request.headers, await request.body(), called(request, state.public_url))
    state.guard.verify(integration, signed, now)
    once = state.guard.once(integration, signed)
    async with state.uow.begin() as tx:
        return shown(await heartbeats.ping(tx, state.receiver, integration, integration.id, once))
