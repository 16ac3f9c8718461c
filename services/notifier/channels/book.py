"""The channels that are configured now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from services.notifier.channels.base import Channel
from services.notifier.domain.callback import Webhooks
from services.notifier.domain.plan import ChannelFacts

ENGLISH: Final = "en-US"


@dataclass(frozen=True)
class Configured:
    """A channel with the names that an incident may call its provider by, and what signs the provider's callbacks."""

    channel: Channel
    provider_names: frozenset[str] = frozenset()
    webhooks: Webhooks = field(default_factory=Webhooks)
    language: str = ENGLISH
    """What is spoken, where the channel speaks."""


class ChannelBook:
    """Channels by name (``sms``, ``email``). Replaced as a whole when the configuration changes."""

    def __init__(self, configured: Mapping[str, Configured] | None = None) -> None:
        self._configured = dict(configured or {})
        self._retired: list[Channel] = []

    def facts(self) -> dict[str, ChannelFacts]:
        """What decisions need to know of each channel."""
        return {name: ChannelFacts(one.channel.provider, one.provider_names) for name, one in self._configured.items()}

    def channel(self, name: str) -> Channel | None:
        """The channel of this name, if one is configured."""
        found = self._configured.get(name)
        return None if found is None else found.channel

    def webhooks(self, provider: str) -> tuple[Webhooks, ...]:
        """What may sign callbacks of ``provider``, over all its channels."""
        return tuple(one.webhooks for one in self._configured.values() if one.channel.provider == provider)

    def language(self, name: str) -> str:
        """What the channel of this name speaks."""
        found = self._configured.get(name)
        return ENGLISH if found is None else found.language

    def replace(self, configured: Mapping[str, Configured]) -> None:
        """Use these from now on. Those before are kept until :meth:`close`: a message may be under way in them."""
        self._retired += [one.channel for one in self._configured.values()]
        self._configured = dict(configured)

    async def close(self) -> None:
        """Let go of all channels."""
        self.replace({})
        retired, self._retired = self._retired, []
        for channel in retired:
            await channel.close()
