"""Opsgenie's Heartbeat API, so that what pings heartbeats there pings them here by changing one address."""

from typing import Any, Final

from fastapi import Request
from pydantic_core import from_json
from starlette.responses import Response

from libs.common.db.work import Tx
from libs.common.errors import Malformed, NotFound
from libs.common.logs import get_logger
from services.intake.api.drop_in import NoSuchMethod, body_within, once_of, unpacked
from services.intake.api.opsgenie_common import LIMIT, answered, caller, opsgenie_router
from services.intake.api.state import State, state_of
from services.intake.domain.integration import Integration
from services.intake.domain.look import Look
from services.intake.domain.opsgenie_heartbeat import HeartbeatPlace, brief_of, heartbeat_place_of, told_of
from services.intake.handlers import heartbeat_calls, heartbeats
from services.intake.store import heartbeats as store
from services.intake.store.heartbeats import heartbeat_of

log = get_logger(__name__)

router = opsgenie_router()

PONG: Final = {"result": "PONG - Heartbeat received"}


@router.post("/v2/heartbeats")
@router.post("/v2/heartbeats/")
async def create(request: Request) -> Response:
    """A new heartbeat."""
    state, (integration, look, once) = state_of(request), await _asked(request)
    async with state.uow.begin() as tx:
        await heartbeat_calls.first_time(tx, integration, once)
        heartbeat = await heartbeat_calls.create(tx, state.receiver, integration, look)
    return answered(request, 201, {"result": "Created", "data": told_of(heartbeat)})


@router.get("/v2/heartbeats")
@router.get("/v2/heartbeats/")
async def listed(request: Request) -> Response:
    """The heartbeats of the caller's integration."""
    integration = await caller(request)
    async with state_of(request).uow.read() as session:
        rows = await store.heartbeats_of(session, integration.id)
    return answered(request, 200, {"data": {"heartbeats": [told_of(heartbeat_of(row)) for row in rows]}})


@router.api_route("/v2/heartbeats/{name:anything}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def one(request: Request) -> Response:
    """One heartbeat, or what is done to it."""
    raw = request.scope.get("raw_path") or request.url.path.encode()
    place = heartbeat_place_of(request.method, raw.decode("latin-1"))
    if place is None:
        await caller(request)
        raise NoSuchMethod("This address does not support this method.")
    state = state_of(request)
    if place.action == "update":
        integration, look, once = await _asked(request)
        async with state.uow.begin() as tx:
            await heartbeat_calls.first_time(tx, integration, once)
            heartbeat = await heartbeat_calls.change(tx, state.receiver, integration, place.name, look)
        return answered(request, 200, {"result": "Updated", "data": told_of(heartbeat)})
    if place.action == "get":
        return await _shown(request, state, await caller(request), place.name)
    raw = await body_within(request, LIMIT)
    integration = await caller(request, raw)
    async with state.uow.begin() as tx:
        status, content = await _done(tx, state, integration, place, once_of(request, integration, raw))
    return answered(request, status, content)


async def _done(
    tx: Tx, state: State, integration: Integration[Any], place: HeartbeatPlace, once: str
) -> tuple[int, dict[str, Any]]:
    """Do what takes no body; the status and what is told of it."""
    if place.action == "ping":
        try:
            await heartbeats.ping(tx, state.receiver, integration, place.name, once)
        except NotFound:  # Opsgenie answers so too, whatever the name
            log.warning("ping of an unknown heartbeat", integration=integration.id, heartbeat=place.name)
        return 202, PONG
    await heartbeat_calls.first_time(tx, integration, once)
    if place.action == "delete":
        heartbeat = await heartbeat_calls.remove(tx, state.receiver, integration, place.name)
        return 200, {"result": "Deleted", "data": brief_of(heartbeat)}
    wanted = place.action == "enable"
    heartbeat = await heartbeat_calls.switch(tx, state.receiver, integration, place.name, enabled=wanted)
    return 200, {"result": "Enabled" if heartbeat.enabled else "Disabled", "data": brief_of(heartbeat)}


async def _shown(request: Request, state: State, integration: Integration[Any], name: str) -> Response:
    async with state.uow.read() as session:
        row = await store.heartbeat(session, integration.id, name)
    if row is None:
        raise NotFound(f"Heartbeat with name [{name}] does not exist.")
    return answered(request, 200, {"data": told_of(heartbeat_of(row))})


async def _asked(request: Request) -> tuple[Integration[Any], Look, str]:
    """Who calls, the body, and by what the call is known when it comes again. Raises :class:`Malformed` for one that is no JSON object."""
    raw = await body_within(request, LIMIT)
    integration = await caller(request, raw)
    _, body = unpacked(request, raw, LIMIT)
    try:
        look = Look(from_json(body.removeprefix(b"\xef\xbb\xbf"), allow_inf_nan=False))
    except ValueError as error:
        raise Malformed("Body is not processable. Please check the body.") from error
    if not look.is_object():
        raise Malformed("Body is not processable. It should be a JSON object.")
    return integration, look, once_of(request, integration, raw)
