"""Phone calls by Twilio's Calls resource, through Twilio's own SDK, with what is said sent along (``Twiml``).

Calls take no idempotency key either, and have no text by which one is told from another: a call whose answer was lost is looked for
among the calls from our number to that one, as the one whose id nobody else has.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.notifier.channels import twiml
from services.notifier.channels.base import Absent, Accepted, Found, Outcome, Outgoing, Unknowable
from services.notifier.channels.twilio import LOOKED_AT, Account, HouseClient, client_of, created, listed
from services.notifier.domain.speech import menu

EVENTS: Final = ["answered", "completed"]
"""What Twilio tells of a call; ``completed`` is also told of one that nobody took."""


@dataclass(frozen=True)
class Calling:
    """How calls are made: from which number, in which language, how long it rings, and where keys and states are told."""

    from_: str
    language: str = "en-US"
    ring: int = 25
    """Seconds; a mailbox commonly takes over after 25 to 30."""
    keys: str | None = None
    """The address that pressed keys go to; without one a call only speaks."""
    states: str | None = None
    """The address that is told what became of a call."""
    machine_detection: bool = True
    """Whether Twilio finds out that a machine took the call, beside the call, so that no human waits for it."""


class TwilioVoice:
    """One Twilio account with the number that calls."""

    provider: Literal["twilio"] = "twilio"
    repeatable = False

    def __init__(self, account: Account, calling: Calling) -> None:
        self._http = HouseClient(account)
        self._calls = client_of(account, self._http).calls
        self._calling = calling

    async def send(self, message: Outgoing) -> Outcome:
        """Create the call at Twilio."""
        how = self._calling
        return await created(
            self._calls.create_async(
                to=message.address, from_=how.from_, timeout=how.ring, twiml=self._said(message), **self._told(message)
            )
        )

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:
        """Look through the newest calls from our number to this one for an id that nobody else has."""
        calls = await listed(
            self._calls.list_async(to=message.address, from_=self._calling.from_, limit=LOOKED_AT, page_size=LOOKED_AT)
        )
        if isinstance(calls, Unknowable):
            return calls
        for one in calls:
            if str(one.sid) not in known and one.direction == "outbound-api":
                return Accepted(str(one.sid))
        return Absent()

    def _said(self, message: Outgoing) -> str:
        how = self._calling
        if message.once:
            return twiml.message(message.text, "", how.language, None, times=1)
        keys = f"{how.keys}?attempt={message.key}" if how.keys else None
        offered = menu(answerable=message.answerable, reachable=keys is not None)
        return twiml.message(message.text, offered, how.language, keys)

    def _told(self, message: Outgoing) -> dict[str, Any]:
        """Where Twilio tells what became of it. The key in it finds the attempt also before we know Twilio's id."""
        if not self._calling.states:
            return {}
        address = f"{self._calling.states}?attempt={message.key}"
        told: dict[str, Any] = {"status_callback": address, "status_callback_event": EVENTS}
        if self._calling.machine_detection:
            told |= {"machine_detection": "Enable", "async_amd": "true", "async_amd_status_callback": address}
        return told

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._http.close()
