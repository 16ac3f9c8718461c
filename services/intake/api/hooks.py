"""Where senders post: 202 after the commit, and a sentence that says what to change where that is not possible."""

import base64
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from pydantic_core import to_json
from starlette.responses import Response

from libs.common.errors import FieldProblem, Invalid, Malformed, NotFound
from libs.common.events.base import TriggerKind
from libs.common.problems import problem_response
from services.intake.api.schemas import CANCEL_OPENAPI, HOOK_OPENAPI, MAINTENANCE_OPENAPI, NATIVE_OPENAPI
from services.intake.api.state import state_of
from services.intake.domain.headers import foreign_headers
from services.intake.domain.signatures import Signed
from services.intake.domain.trigger import summary
from services.intake.handlers.receive import Receipt
from services.intake.handlers.senders import source_named
from services.intake.sources.base import Arrival
from services.intake.sources.native import called_off, narrowed
from services.intake.store.writer import Repeated

router = APIRouter(tags=["triggers"])

NATIVE: Final = "native"
KEY_ID: Final = 8
"""Characters of a key that are public, by which it is counted how often it is used."""

REPEATED: Final = to_json(
    {"triggers": [], "ignored": [{"pointer": "#", "reason": "repeated", "detail": "This delivery was taken already."}]}
)


@router.post("/v1/hooks/{source}/{key}", status_code=202, response_class=Response, openapi_extra=HOOK_OPENAPI)
async def take_hook(request: Request, source: str, key: str) -> Response:
    """Take a body in the format of ``source``, from the integration that ``key`` belongs to."""
    return await _take(request, source, key)


@router.post("/v1/hooks/{source}", status_code=202, response_class=Response, openapi_extra=HOOK_OPENAPI)
async def take_hook_with_key_in_a_header(request: Request, source: str) -> Response:
    """Take a body in the format of ``source``; the key comes as ``Authorization: Bearer`` or ``X-Tocsin-Key``."""
    return await _take(request, source, sent_key(request))


@router.options("/v1/hooks/{source}/{key}", status_code=200, response_class=Response)
async def greet(request: Request, source: str, key: str) -> Response:
    """Answer a sender that asks whether it may send."""
    return await _greeted(request, source, key)


@router.options("/v1/hooks/{source}", status_code=200, response_class=Response)
async def greet_with_key_in_a_header(request: Request, source: str) -> Response:
    """Answer a sender that asks whether it may send; the key comes as a header."""
    return await _greeted(request, source, sent_key(request))


@router.post("/v1/hooks/{source}/{rest:path}", status_code=202, response_class=Response, openapi_extra=HOOK_OPENAPI)
async def take_hook_with_a_suffix(request: Request, source: str, rest: str) -> Response:
    """Take a body from a sender that puts a path of its own behind the address which it is given."""
    suffix = source_named(source).suffix
    before, found, after = f"/{rest.rstrip('/')}".rpartition(suffix) if suffix else ("", "", rest)
    if not found or after or "/" in before[1:]:
        raise NotFound(f"There is nothing here. The address of this source ends in /v1/hooks/{source}/<key>{suffix}.")
    return await _take(request, source, before[1:] or sent_key(request))


@router.post("/v1/triggers", status_code=202, response_class=Response, openapi_extra=NATIVE_OPENAPI)
async def take_triggers(request: Request) -> Response:
    """Take one trigger or an array of them in Tocsin's own format."""
    return await _take(request, NATIVE, sent_key(request))


@router.post("/v1/tickets", status_code=202, response_class=Response, openapi_extra=NATIVE_OPENAPI)
async def take_tickets(request: Request) -> Response:
    """Take one ticket or an array of them in Tocsin's own format, in which ``kind`` goes without saying."""
    return await _take(request, NATIVE, sent_key(request), kind="ticket")


@router.post("/v1/notices", status_code=202, response_class=Response, openapi_extra=NATIVE_OPENAPI)
async def take_notices(request: Request) -> Response:
    """Take what a tool's owner announces, one notice or an array of them, in which ``kind`` (tool) goes without saying."""
    return await _take(request, NATIVE, sent_key(request), kind="tool")


@router.post("/v1/maintenance", status_code=202, response_class=Response, openapi_extra=MAINTENANCE_OPENAPI)
async def take_maintenance(request: Request) -> Response:
    """Announce a maintenance or several, as JSON or as a calendar (``text/calendar``). The same id again moves it."""
    return await _take(request, NATIVE, sent_key(request), kind="maintenance")


@router.delete(
    "/v1/maintenance/{maintenance_id:path}", status_code=202, response_class=Response, openapi_extra=CANCEL_OPENAPI
)
async def cancel_maintenance(request: Request, maintenance_id: str) -> Response:
    """Call off the maintenance that was announced under this id; cancelling it again is harmless."""
    return await _take(request, NATIVE, sent_key(request), kind="maintenance", said=called_off(maintenance_id))


def sent_key(request: Request) -> str | None:
    """The key of a request without one in its path: a token, the password of a user, a header, or a parameter of the address."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return None
    named = (request.headers.get(name) for name in ("x-tocsin-key", "x-api-key"))
    asked = (request.query_params.get(name) for name in ("access_token", "auth_token"))
    return next((key for key in (*named, *asked) if key), None)


async def _greeted(request: Request, source_name: str, key: str | None) -> Response:
    state, source = state_of(request), source_named(source_name)
    await state.senders.sender(key, source_name)
    headers = None if source.greeting is None else source.greeting(request.headers)
    if headers is None:
        raise HTTPException(405, headers={"Allow": "POST"})
    return Response(status_code=200, headers={"Allow": "OPTIONS, POST", **headers})


async def _take(
    request: Request, source_name: str, key: str | None, kind: TriggerKind | None = None, said: bytes | None = None
) -> Response:
    """Take the body of a request, or ``said`` where the address alone says everything."""
    state, source = state_of(request), source_named(source_name)
    integration = await state.senders.sender(key, source_name)
    now = state.uow.clock.now()
    state.guard.admit(source, integration, (key or "")[:KEY_ID], now)
    if kind is not None:
        integration = narrowed(integration, kind)
    signed = Signed(request.headers, await request.body(), called(request, state.public_url))
    state.guard.verify(integration, signed, now)
    headers = foreign_headers(request.headers.items())
    if said is not None:
        headers = [(name, value) for name, value in headers if not name.lower().startswith("content-")]
    body = signed.body if said is None else said
    arrival = Arrival(request.headers, body, integration, now)
    if source.check is not None:
        await source.check(arrival, state.network)
    try:
        once = state.guard.once(integration, signed, source.once(arrival) if source.once else "")
        receipt = await state.receiver.receive(source, integration, headers, body, once=once)
    except Repeated:
        return Response(REPEATED, 200, media_type="application/json")
    if receipt.reading.refused:
        return _refusal(request, receipt)
    if source.afterwards is not None:
        await source.afterwards(arrival, state.network)
    status = 200 if receipt.reading.only_a_test else source.accepted
    if source.answer:
        return Response(source.answer, status, media_type="text/plain")
    return Response(to_json(_accepted(receipt)), status, media_type="application/json")


def called(request: Request, public_url: str) -> str:
    """The address that the sender called, by the configuration: what stands in ``Host`` anybody could write."""
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    return public_url.rstrip("/") + path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")


def _accepted(receipt: Receipt) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "delivery_id": receipt.delivery_id,
        "triggers": [
            {"trigger_id": trigger.trigger_id, "dedup_key": trigger.dedup_key, "status": trigger.status}
            for trigger in receipt.triggers
        ],
    }
    if receipt.remarks:
        answer["remarks"] = [{"kind": remark.kind, "dedup_key": remark.dedup_key} for remark in receipt.reading.remarks]
    if receipt.reading.ignored:
        answer["ignored"] = [
            {"pointer": ignored.pointer, "reason": ignored.reason, "detail": ignored.detail}
            for ignored in receipt.reading.ignored
        ]
    if receipt.reading.refusals:
        answer["quarantine_id"] = receipt.quarantine_id
        answer["problems"] = [
            {"pointer": refusal.pointer, "reason": refusal.reason, "detail": refusal.detail}
            for refusal in receipt.reading.refusals
        ]
    return answer


def _refusal(request: Request, receipt: Receipt) -> Response:
    """The problem of a body that was kept and could not be understood."""
    error = Malformed if receipt.reading.unreadable else Invalid
    refusals = receipt.reading.refusals
    return problem_response(
        error.status,
        error.slug,
        error.title,
        f"{summary(refusals)} The body was kept and a person is told; nothing else was done with it.",
        problems=tuple(FieldProblem(refusal.pointer, refusal.detail) for refusal in refusals),
        extra={
            "reason": refusals[0].reason,
            "delivery_id": str(receipt.delivery_id),
            "quarantine_id": str(receipt.quarantine_id),
        },
        request_id=request.scope.get("state", {}).get("request_id"),
    )
