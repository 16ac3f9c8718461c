"""The local outbox: nothing leaves the house, and everybody can see what would have."""

from collections.abc import Collection
from dataclasses import replace
from typing import Literal, Protocol

from libs.common.errors import Unavailable
from services.notifier.channels.base import Absent, Accepted, Found, Outcome, Outgoing, Retry, Unknowable
from services.notifier.domain.speech import menu


class Shelf(Protocol):
    """Where the local outbox keeps its messages: one per key, however often it is put there."""

    async def put(self, channel: str, message: Outgoing) -> str:
        """Keep ``message`` unless its key is there already; the id under which it stands."""
        ...

    async def find(self, key: str) -> str | None:
        """The id of the message with this key."""
        ...


class LocalChannel:
    """Takes every message. A repeat of a key is the same message: here the effect happens exactly once."""

    provider: Literal["local"] = "local"
    repeatable = True

    def __init__(self, channel: str, shelf: Shelf) -> None:
        self._channel = channel
        self._shelf = shelf

    async def send(self, message: Outgoing) -> Outcome:
        """Put it on the shelf."""
        try:
            return Accepted(await self._shelf.put(self._channel, self._as_told(message)))
        except Unavailable as error:
            return Retry("provider_unreachable", error.detail, error.retry_after)

    def _as_told(self, message: Outgoing) -> Outgoing:
        """A call with what may be pressed, which a reply to it stands for."""
        if self._channel != "voice" or not message.answerable:
            return message
        return replace(message, text=f"{message.text} {menu(answerable=True, reachable=True)}")

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:  # noqa: ARG002 - a key is unique for ever
        """Look on the shelf."""
        try:
            found = await self._shelf.find(message.key)
        except Unavailable as error:
            return Unknowable(error.detail, passing=True)
        return Accepted(found) if found else Absent()

    async def close(self) -> None:
        """Nothing is held."""
