"""What Twilio calls: an answer by SMS, a key in a call, and what became of a message. All count only with Twilio's signature.

The signature is over the address as Twilio called it, so it is built from the public URL in the settings, never from
the ``Host`` header.
"""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from twilio.twiml.messaging_response import MessagingResponse

from libs.common.db.work import UnitOfWork
from libs.common.errors import Forbidden
from services.notifier.channels import twiml
from services.notifier.channels.book import ChannelBook
from services.notifier.domain.callback import Callback
from services.notifier.domain.speech import menu
from services.notifier.handlers.callbacks import Answer, Callbacks
from services.notifier.sources.base import Arrival, Source
from services.notifier.sources.twilio import SOURCE, VOICE

PREFIX: Final = "/v1/callbacks/twilio"
TWIML: Final = "application/xml"
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {TWIML: {}}}}
AttemptId = Annotated[
    UUID | None, Query(description="Our id of the message, which stands in the address that it was sent with.")
]


def router(uow: UnitOfWork, book: ChannelBook, callbacks: Callbacks, public_url: str) -> APIRouter:
    """The routes; ``public_url`` is what Twilio calls us by."""
    api = APIRouter(prefix=PREFIX, tags=["providers"])

    async def taken(request: Request) -> str:
        callback = await read_signed(request, SOURCE, book, uow, public_url)
        async with uow.begin() as tx:
            answer = await callbacks.take(tx, callback)
        if callback.kind != "press":
            return written(answer)
        attempt = f"?attempt={callback.attempt}" if callback.attempt else ""
        return spoken(answer, book.language(callback.channel), f"{public_url}{PREFIX}{VOICE}{attempt}")

    @api.post("/sms", response_class=Response, responses=RESPONSES)
    async def sms(request: Request) -> Response:
        """Somebody answered: `ACK`, `RESOLVE`, with or without a number. The answer goes back by SMS (TwiML)."""
        return Response(await taken(request), media_type=TWIML)

    @api.post("/voice", response_class=Response, responses=RESPONSES)
    async def voice(
        request: Request,
        attempt: AttemptId = None,  # noqa: ARG001 - the reader finds it
        step: Annotated[str, Query(description="`resolve` where it was asked whether somebody is sure.")] = "",  # noqa: ARG001 - as above
    ) -> Response:
        """Somebody pressed a key in a call: 1 takes the incident, 2 twice resolves it, 9 says the message again. What is said next goes back (TwiML)."""
        return Response(await taken(request), media_type=TWIML)

    @api.post("/status", status_code=204)
    async def status(request: Request, attempt: AttemptId = None) -> None:  # noqa: ARG001 - the reader finds it
        """What became of a message that Twilio took, or of a call, or who picked it up."""
        await taken(request)

    return api


def written(answer: Answer) -> str:
    """What goes back by SMS; nothing, where there is nothing to say."""
    response = MessagingResponse()
    if answer.words:
        response.message(answer.words)
    return str(response)


def spoken(answer: Answer, language: str, action: str) -> str:
    """What is said next in a call, whose keys go to ``action``."""
    match answer.ask:
        case "sure":
            return twiml.question(answer.words, language, action)
        case "again":
            return twiml.message(answer.words, menu(answerable=answer.answerable, reachable=True), language, action)
        case None:
            return twiml.last(answer.words, language)


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
