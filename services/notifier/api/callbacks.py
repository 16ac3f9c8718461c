"""What Twilio calls: an answer by SMS, and what became of a message. Both count only with Twilio's signature.

The signature is over the address as Twilio called it, so it is built from the public URL in the settings, never from
the ``Host`` header, and over the form as it came (https://www.twilio.com/docs/usage/webhooks/webhooks-security).
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from twilio.request_validator import HMAC_SHA1, RequestValidator, get_signature_algorithm
from twilio.twiml.messaging_response import MessagingResponse

from libs.common.db.work import UnitOfWork
from libs.common.errors import Forbidden, Malformed, Unsupported
from libs.common.logs import get_logger
from services.notifier.channels.book import ChannelBook, Webhooks
from services.notifier.handlers.confirmations import Confirmations, Status
from services.notifier.handlers.replies import Incoming, Replies

log = get_logger(__name__)

PROVIDER: Final = "twilio"
FORM: Final = "application/x-www-form-urlencoded"
SIGNATURE: Final = "X-Twilio-Signature"
SETTINGS: Final = "X-Twilio-Webhooks-Signature-Settings"
MOST_FIELDS: Final = 200


class Form(dict[str, str]):
    """A form, with the last value of each name; the SDK's validator finds all of them by ``getlist``."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = tuple(pairs)

    def getlist(self, name: str) -> list[str]:
        """All values of ``name``."""
        return [value for key, value in self._pairs if key == name]

    def demand(self, name: str) -> str:
        """The value of ``name``. Raises :class:`Malformed` where there is none."""
        if not (value := self.get(name)):
            raise Malformed(f"The form has no {name}.")
        return value


def router(
    uow: UnitOfWork, book: ChannelBook, replies: Replies, confirmations: Confirmations, public_url: str
) -> APIRouter:
    """The routes; ``public_url`` is what Twilio calls us by."""
    api = APIRouter(prefix="/v1/callbacks/twilio", tags=["providers"])

    async def signed(request: Request) -> Form:
        return await read_signed(request, public_url, book.webhooks(PROVIDER))

    @api.post("/sms", response_class=Response, responses={200: {"content": {"application/xml": {}}}})
    async def sms(request: Request) -> Response:
        """Somebody answered: `ACK`, `RESOLVE`, with or without a number. The answer goes back by SMS (TwiML)."""
        form = await signed(request)
        incoming = Incoming(
            id=f"{PROVIDER}:{form.demand('MessageSid')}",
            channel="sms",
            address=form.demand("From"),
            text=form.get("Body", ""),
        )
        async with uow.begin() as tx:
            answer = await replies.take(tx, incoming)
        twiml = MessagingResponse()
        twiml.message(answer)
        return Response(str(twiml), media_type="application/xml")

    @api.post("/status", status_code=204)
    async def status(request: Request, attempt: UUID | None = None) -> None:
        """What became of a message that Twilio took."""
        form = await signed(request)
        code = form.get("ErrorCode", "")
        told = Status(
            provider=PROVIDER,
            provider_id=form.demand("MessageSid"),
            status=form.demand("MessageStatus"),
            attempt=attempt,
            code=int(code) if code.isdigit() else None,
            detail=form.get("ErrorMessage", ""),
        )
        async with uow.begin() as tx:
            if not await confirmations.take(tx, told):
                log.warning("status_of_unknown_message", provider=PROVIDER, status=told.status)

    return api


async def read_signed(request: Request, public_url: str, webhooks: Sequence[Webhooks]) -> Form:
    """The form of a request that Twilio signed. Raises :class:`Forbidden` for one that it did not."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise Unsupported(f"Send {FORM}.")
    try:
        body = (await request.body()).decode("utf-8")
        pairs = parse_qsl(body, keep_blank_values=True, strict_parsing=bool(body), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed("This is no form.") from error
    form = Form(pairs)
    query = f"?{request.url.query}" if request.url.query else ""
    address = f"{public_url}{request.url.path}{query}"
    if not is_signed(address, form, request.headers.get(SIGNATURE, ""), request.headers.get(SETTINGS, ""), webhooks):
        raise Forbidden("The signature is not one of Twilio's over this address and body.")
    return form


def is_signed(address: str, form: Form, signature: str, settings: str, webhooks: Sequence[Webhooks]) -> bool:
    """Whether one of our secrets made ``signature``: an auth token's, or the shared key's that ``settings`` names."""
    algorithm = get_signature_algorithm(settings)
    named = dict(part.strip().partition("=")[::2] for part in settings.split(",") if "=" in part)
    secrets: list[str] = []
    for one in webhooks:
        if algorithm.upper() == HMAC_SHA1 and "key" not in named:
            secrets += one.tokens
        elif named.get("key") in one.shared_keys:
            secrets.append(one.shared_keys[named["key"]])
    return any(bool(RequestValidator(secret).validate(address, form, signature, algorithm)) for secret in secrets)
