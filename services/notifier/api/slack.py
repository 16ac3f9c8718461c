"""What Slack posts: buttons that were pressed, slash commands, and the handshake of its Events API. All count only with Slack's signature.

Slack waits three seconds, so that the answer is given once the transaction is committed, and what a member alone should read about a
press follows by the response URL of the press.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from libs.common.db.work import UnitOfWork
from services.notifier.api.callbacks import read_signed
from services.notifier.channels.book import ChannelBook
from services.notifier.channels.whispers import Whispers, whisper
from services.notifier.handlers.callbacks import Callbacks
from services.notifier.sources.slack import SOURCE

RETRY: Final = "X-Slack-Retry-Num"


def router(uow: UnitOfWork, book: ChannelBook, callbacks: Callbacks, whispers: Whispers, public_url: str) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/v1/callbacks/slack", tags=["providers"])

    async def taken(request: Request) -> Response:
        callback = await read_signed(request, SOURCE, book, uow, public_url)
        if callback.kind == "handshake":
            return JSONResponse({"challenge": callback.challenge})
        async with uow.begin() as tx:
            answer = (await callbacks.take(tx, callback)).words
        if callback.kind == "command":
            return JSONResponse(whisper(answer))
        if answer and callback.link and RETRY not in request.headers:
            whispers.say(callback.link, answer)
        return Response()

    @api.post("/interactions", response_class=Response)
    async def interactions(request: Request) -> Response:
        """Somebody pressed a button: *Acknowledge* or *Resolve*."""
        return await taken(request)

    @api.post("/commands")
    async def commands(request: Request) -> Response:
        """Somebody typed `/tocsin ack 12`, `/tocsin resolve 12` or `/tocsin help`; they alone read the answer."""
        return await taken(request)

    @api.post("/events")
    async def events(request: Request) -> Response:
        """The handshake of the Events API; events themselves change nothing."""
        return await taken(request)

    return api
