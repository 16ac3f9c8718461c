"""What Twilio calls: an answer by SMS, and what became of a message. Both count only with Twilio's signature.

The signature is over the address as Twilio called it, so it is built from the public URL in the settings, never from
the ``Host`` header.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from twilio.twiml.messaging_response import MessagingResponse

from libs.common.db.work import UnitOfWork
from libs.common.errors import Forbidden
from services.notifier.channels.book import ChannelBook
from services.notifier.domain.callback import Callback
from services.notifier.handlers.callbacks import Callbacks
from services.notifier.sources.base import Arrival, Source
from services.notifier.sources.twilio import SOURCE

TWIML = "application/xml"


def router(uow: UnitOfWork, book: ChannelBook, callbacks: Callbacks, public_url: str) -> APIRouter:
    """The routes; ``public_url`` is what Twilio calls us by."""
    api = APIRouter(prefix="/v1/callbacks/twilio", tags=["providers"])

    async def taken(request: Request) -> str:
        callback = await read_signed(request, SOURCE, book, uow, public_url)
        async with uow.begin() as tx:
            return await callbacks.take(tx, callback)

    @api.post("/sms", response_class=Response, responses={200: {"content": {TWIML: {}}}})
    async def sms(request: Request) -> Response:
        """Somebody answered: `ACK`, `RESOLVE`, with or without a number. The answer goes back by SMS (TwiML)."""
        twiml = MessagingResponse()
        if answer := await taken(request):
            twiml.message(answer)
        return Response(str(twiml), media_type=TWIML)

    @api.post("/status", status_code=204)
    async def status(
        request: Request,
        attempt: Annotated[UUID | None, Query(description="Our id of the message.")] = None,  # noqa: ARG001 - the reader finds it
    ) -> None:
        """What became of a message that Twilio took."""
        await taken(request)

    return api


async def read_signed(
    request: Request, source: Source, book: ChannelBook, uow: UnitOfWork, public_url: str
) -> Callback:
    """What a provider called back with. Raises :class:`Forbidden` for what the provider did not sign."""
    target = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    arrival = Arrival.of(target, request.headers, await request.body())
    signature = source.verify(arrival, f"{public_url}{target}", book.webhooks(source.provider), uow.clock.now())
    if not signature.holds:
        raise Forbidden(signature.reason)
    return source.read(arrival)
