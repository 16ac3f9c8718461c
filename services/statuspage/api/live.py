"""What changed, as it changes: after each commit the fragments that must be drawn again are named to every open page."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from libs.common.background import Background, pause
from libs.common.db.session import DatabaseUnavailable
from libs.common.db.wakeups import Wakeups
from libs.common.db.work import UnitOfWork
from libs.common.errors import Unavailable
from libs.common.logs import get_logger
from services.statuspage.handlers import LIVE_WAKE
from services.statuspage.store import reading

log = get_logger(__name__)

DEBOUNCE_SECONDS: Final = 0.1
"""Commits within this time are told once: a burst of facts draws a page once."""

LOOK_SECONDS: Final = 20.0
"""How often it is looked for changes whose wake was lost."""

PING_SECONDS: Final = 20
MOST_READERS: Final = 2_000
"""Open pages of one process; who comes after them reloads by hand."""

ALIVE: Final = "alive"
"""Told where nothing else is: a page that hears nothing for longer knows that it is cut off, and says so."""

RESYNC: Final = "resync"
"""Told to a page that may have missed something: draw everything again."""


PUBLIC: Final = ("public",)
"""What public pages are told: that they have changed, not what of them."""


def place_of(prints: Mapping[str, str]) -> str:
    """A short name for what was shown, made of its fingerprints."""
    told = "\n".join(f"{name} {found}" for name, found in sorted(prints.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


class Reader:
    """One open page."""

    def __init__(self) -> None:
        self.fragments: set[str] = set()
        self.wake = asyncio.Event()


class Live(Background):
    """Watches the read models and tells the open pages."""

    name = "live"

    def __init__(self, uow: UnitOfWork, wakeups: Wakeups) -> None:
        super().__init__()
        self._uow = uow
        self._woken = wakeups.event(LIVE_WAKE)
        self._prints: dict[str, str] | None = None
        self._readers: set[Reader] = set()
        self._begun = 0
        self._looking = asyncio.Lock()

    def place(self, only: Collection[str] | None = None) -> str:
        """Where the changes of some fragments stand, the same in every replica; a page of another place may have missed something."""
        return place_of({name: found for name, found in (self._prints or {}).items() if only is None or name in only})

    async def follow(
        self, place: str | None, stopping: asyncio.Event, only: Collection[str] | None = None
    ) -> AsyncIterator[ServerSentEvent]:
        """The changes from ``place`` on until ``stopping`` is set; ``only`` names the fragments that are told.

        A place goes with the last event that leads to it: who is cut off before that is told all of it again.
        """
        if place is not None and place != self.place(only):
            await self.catch_up()
        reader = Reader()
        self._readers.add(reader)
        try:
            here = self.place(only)
            if place is not None and place != here:
                yield ServerSentEvent(data=RESYNC, event=RESYNC)
            yield ServerSentEvent(data="hello", event="hello", id=here)
            while not self._stopping.is_set() and await set_first(reader.wake, stopping):
                reader.wake.clear()
                changed, reader.fragments, here = reader.fragments, set(), self.place(only)
                told = sorted(one for one in changed if only is None or one in only)
                for fragment in told:
                    yield ServerSentEvent(data=fragment, event=fragment, id=here if fragment == told[-1] else None)
        finally:
            self._readers.discard(reader)

    def full(self) -> bool:
        """Whether no more pages are followed."""
        return len(self._readers) >= MOST_READERS

    async def catch_up(self) -> None:
        """Return once it was looked from now on: a page may have been read, here or in another replica, since the last look."""
        asked = self._begun
        async with self._looking:
            if self._begun > asked:
                return
            self._begun += 1
            try:
                await self._look()
            except DatabaseUnavailable as error:
                log.warning("live_blind", reason=error.detail)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            await self.catch_up()
            await pause(LOOK_SECONDS, self._woken)
            self._woken.clear()
            await pause(DEBOUNCE_SECONDS, self._stopping)

    async def _look(self) -> None:
        async with self._uow.read() as session:
            prints = dict(await reading.fingerprints(session))
        before, self._prints = self._prints, prints
        if before is None:
            return
        changed = {fragment for fragment, found in prints.items() if before.get(fragment) != found}
        for reader in self._readers if changed else ():
            reader.fragments |= changed
            reader.wake.set()

    def _interrupt(self) -> None:
        self._woken.set()
        for reader in self._readers:
            reader.wake.set()


async def set_first(event: asyncio.Event, other: asyncio.Event) -> bool:
    """Wait for either; true where it was ``event`` and not ``other``."""
    waits = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(other.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return not other.is_set()


def alive() -> ServerSentEvent:
    """The sign of life."""
    return ServerSentEvent(data=ALIVE, event=ALIVE)


def stream(live: Live, request: Request, only: Collection[str] | None = None) -> EventSourceResponse:
    """The response to a page that wants to follow. Raises :class:`Unavailable` where too many do."""
    if live.full():
        raise Unavailable("Too many pages follow the changes at the moment; reload this one from time to time.")
    place = request.headers.get("Last-Event-ID") or request.query_params.get("since")
    told = live.follow(place, request.app.state.stopping, only)
    return EventSourceResponse(told, ping=PING_SECONDS, ping_message_factory=alive)


router = APIRouter(include_in_schema=False)


@router.get("/live")
async def public_changes(request: Request) -> EventSourceResponse:
    """For public pages: that something changed, not what."""
    live: Live = request.app.state.live
    return stream(live, request, PUBLIC)
