"""Where senders post: 202 after the commit, and a sentence that says what to change where that is not possible."""

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import Response

from libs.common.errors import FieldProblem, Invalid, Malformed
from libs.common.problems import problem_response
from services.intake.api.schemas import HOOK_OPENAPI, NATIVE_OPENAPI
from services.intake.api.state import state_of
from services.intake.domain.trigger import summary
from services.intake.handlers.receive import Receipt
from services.intake.handlers.senders import source_named

router = APIRouter(tags=["triggers"])

NATIVE: Final = "native"


@router.post("/v1/hooks/{source}/{key}", status_code=202, response_class=Response, openapi_extra=HOOK_OPENAPI)
async def take_hook(request: Request, source: str, key: str) -> Response:
    """Take a body in the format of ``source``, from the integration that ``key`` belongs to."""
    return await _take(request, source, key)


@router.post("/v1/hooks/{source}", status_code=202, response_class=Response, openapi_extra=HOOK_OPENAPI)
async def take_hook_with_key_in_a_header(request: Request, source: str) -> Response:
    """Take a body in the format of ``source``; the key comes as ``Authorization: Bearer`` or ``X-Tocsin-Key``."""
    return await _take(request, source, _header_key(request))


@router.post("/v1/triggers", status_code=202, response_class=Response, openapi_extra=NATIVE_OPENAPI)
async def take_triggers(request: Request) -> Response:
    """Take one trigger or an array of them in Tocsin's own format."""
    return await _take(request, NATIVE, _header_key(request))


def _header_key(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return request.headers.get("x-tocsin-key")


async def _take(request: Request, source_name: str, key: str | None) -> Response:
    state = state_of(request)
    source = source_named(source_name)
    integration = await state.senders.sender(key, source_name)
    body = await request.body()
    receipt = await state.receiver.receive(source, integration, request.headers.items(), body)
    if receipt.reading.refused:
        return _refusal(request, receipt)
    return Response(to_json(_accepted(receipt)), 202, media_type="application/json")


def _accepted(receipt: Receipt) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "delivery_id": receipt.delivery_id,
        "triggers": [
            {"trigger_id": trigger.trigger_id, "dedup_key": trigger.dedup_key, "status": trigger.status}
            for trigger in receipt.triggers
        ],
    }
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
