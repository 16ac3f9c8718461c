"""What Slack posts: buttons that were pressed, slash commands, and the handshake of its Events API. All count only with Slack's signature.

Slack waits three seconds, so that the answer is given once the transaction is committed, and what a member alone should read about a
press follows by the response URL of the press.
"""

import asyncio
from typing import Final

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from libs.common.db.work import UnitOfWork
from libs.common.logs import get_logger
from services.notifier.api.callbacks import read_signed
from services.notifier.channels.book import ChannelBook
from services.notifier.domain.slack import takes_answers
from services.notifier.handlers.callbacks import Callbacks
from services.notifier.sources.slack import SOURCE

log = get_logger(__name__)

RETRY: Final = "X-Slack-Retry-Num"
SECONDS: Final = 10.0


class Whispers:
    """Says sentences that one member alone reads, by the response URL of what they pressed. Lost with the process: nothing depends on them."""

    name = "whispers"

    def __init__(self, instead: str | None) -> None:
        self._instead = instead
        self._http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False)
        self._said: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing is said by itself."""

    async def stop(self) -> None:
        """Say what was begun to the end."""
        await asyncio.gather(*self._said)
        await self._http.aclose()

    async def idle(self) -> bool:
        """Whether everything was said."""
        return not self._said

    def say(self, url: str, text: str) -> None:
        """Have ``text`` said at ``url``, if that is an address of Slack's for answers."""
        if not takes_answers(url, self._instead):
            log.warning("answer not said", reason="not_an_address_of_slack")
            return
        task = asyncio.create_task(self._say(url, text))
        self._said.add(task)
        task.add_done_callback(self._said.discard)

    async def _say(self, url: str, text: str) -> None:
        try:
            answer = await self._http.post(url, json=_whisper(text) | {"replace_original": False})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("answer not said", reason=type(error).__name__)
            return
        if not answer.is_success:
            log.warning("answer not said", reason=str(answer.status_code))


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
            return JSONResponse(_whisper(answer))
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


def _whisper(text: str) -> dict[str, str | bool]:
    return {"response_type": "ephemeral", "text": text}
