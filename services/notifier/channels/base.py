"""What the notifier asks of a channel, and the only three answers that it gets.

A channel tries **once** and says what came of it. When to try again, whom to tell instead and what to write down is
decided elsewhere (:mod:`services.notifier.domain.retry`), so that a channel is small and knows its provider alone.

Held by ``tests/contract/test_channels.py`` for every channel:

- what the provider took is :class:`Accepted`, with the provider's own id of it;
- what may pass (an outage, a limit, no answer in time) is :class:`Retry`; ``unsure`` where it may have gone out all the same;
- what never passes (an address that does not exist, an opt-out, wrong credentials) is :class:`GiveUp`;
- no answer of a provider and no fault of the network raises;
- ``lookup`` finds what went out before, or says that it cannot know.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from libs.common.events.deliveries import AttemptReason

Provider = Literal["local", "twilio", "smtp", "zendesk", "jira", "freshdesk", "servicenow", "slack"]


@dataclass(frozen=True)
class Outgoing:
    """One message to one address. ``key`` is the same for every try of it, and differs between any two others."""

    key: str
    address: str
    name: str
    """The recipient's name."""
    headline: str
    text: str
    html: str
    thread: str
    """What this belongs to: messages of one incident share it."""
    at: datetime
    """When it was written: stable over repeats."""
    internal: bool = False
    """Whether only the team may read it, where the channel knows the difference."""
    blocks: tuple[Mapping[str, Any], ...] = ()
    """The message in Slack's blocks."""
    root: str | None = None
    """The provider's id of the message that this one stands under, where it is not one of its own."""
    broadcast: bool = False
    """Whether it is shown beside the message that it stands under as well."""
    answerable: bool = False
    """Whether it asks for an answer: a page of an incident, to somebody of the house."""
    once: bool = False
    """Whether it says by itself whatever is said twice, and must never be said again: a code."""


@dataclass(frozen=True)
class Accepted:
    """The provider took it. ``provider_id`` is how it calls the message; confirmations name it."""

    provider_id: str


@dataclass(frozen=True)
class Retry:
    """It did not go out now and may later; not before ``after``, where the provider said so.

    ``unsure``: it may have gone out, so that somebody must look before it is sent again.
    """

    reason: AttemptReason
    detail: str = ""
    after: timedelta | None = None
    unsure: bool = False


@dataclass(frozen=True)
class GiveUp:
    """It will not go out this way, however often it is tried."""

    reason: AttemptReason
    detail: str = ""


Outcome = Accepted | Retry | GiveUp


@dataclass(frozen=True)
class Absent:
    """The provider has no such message: it may be sent."""


@dataclass(frozen=True)
class Unknowable:
    """Nobody can say whether the provider took it. ``passing``: the provider could not be asked *now*."""

    detail: str = ""
    passing: bool = False


Found = Accepted | Absent | Unknowable


class Channel(Protocol):
    """One configured provider."""

    @property
    def provider(self) -> Provider:
        """Who carries the messages."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether a repeat carries an identity by which the receiving side shows it once."""
        ...

    async def send(self, message: Outgoing) -> Outcome:
        """Try once."""
        ...

    async def lookup(self, message: Outgoing, known: Collection[str]) -> Found:
        """Whether this message went out. ``known`` are the provider's ids of all others to this address.

        No times are compared: the provider's clock is not ours.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
