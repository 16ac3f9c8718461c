"""Where mail services post what they took for us: SendGrid's Inbound Parse, and Mailgun's routes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import Response

from services.intake.api.hooks import KEY_ID, called
from services.intake.api.state import state_of
from services.intake.domain.form import Field, NoForm, fields_of
from services.intake.domain.letter import Letter, Transport
from services.intake.domain.posted_mail import mailgun_letter, sendgrid_letter, signed_part
from services.intake.domain.signatures import Signed
from services.intake.handlers.mail import MAIL
from services.intake.handlers.senders import source_named

router = APIRouter(tags=["mail"])

NOT_AGAIN: Final = 406
"""What Mailgun understands as: never post this again."""

FORM_OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object"}},
            "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        },
    },
    "responses": {
        "200": {
            "description": "The message is committed, now or before; `outcome` says which, and whether it was understood."
        },
        "401": {"description": "The key, or the signature, is not of an integration of the source mail."},
        "406": {"description": "The form held no message. It was kept, and a person is told."},
        "503": {"description": "The message could not be committed; post it again."},
    },
}


@router.post("/v1/mail/sendgrid/{key}", status_code=200, response_class=Response, openapi_extra=FORM_OPENAPI)
async def take_from_sendgrid(request: Request, key: str) -> Response:
    """Take a message from SendGrid's Inbound Parse, posted raw or in parts."""
    return await _take(request, key, "sendgrid", sendgrid_letter)


@router.post("/v1/mail/mailgun/{key}", status_code=200, response_class=Response, openapi_extra=FORM_OPENAPI)
@router.post("/v1/mail/mailgun/{key}/mime", status_code=200, response_class=Response, openapi_extra=FORM_OPENAPI)
async def take_from_mailgun(request: Request, key: str) -> Response:
    """Take a message from a route of Mailgun's: as it came where the address ends in ``/mime``, else in parts."""
    return await _take(request, key, "mailgun", mailgun_letter)


async def _take(
    request: Request, key: str, transport: Transport, letter_of: Callable[[Mapping[str, Field]], Letter]
) -> Response:
    state = state_of(request)
    integration = await state.senders.sender(key, MAIL)
    now = state.uow.clock.now()
    state.guard.admit(source_named(MAIL), integration, key[:KEY_ID], now)
    body = await request.body()
    try:
        fields = fields_of(request.headers.get("content-type", ""), body)
    except NoForm:
        fields = {}
    signed = Signed(request.headers, signed_part(transport, fields, body), called(request, state.public_url))
    state.guard.verify(integration, signed, now)
    once = state.guard.once(integration, signed)
    try:
        letter = letter_of(fields)
    except NoForm:
        await state.postbox.take(integration, Letter(transport, body), once=once)
        return _answer(NOT_AGAIN if transport == "mailgun" else 200, "quarantined")
    return _answer(200, await state.postbox.take(integration, letter, once=once))


def _answer(status: int, outcome: str) -> Response:
    return Response(to_json({"outcome": outcome}), status, media_type="application/json")
