"""What people call the channels: one word each, wherever a service says one."""

from collections.abc import Mapping
from typing import Final

CHANNELS: Final[Mapping[str, str]] = {"sms": "SMS", "email": "e-mail", "voice": "phone call", "slack": "Slack"}
"""By the id of the channel."""


def channel(name: str) -> str:
    """A channel as people call it; one that nobody named by its id."""
    return CHANNELS.get(name, name)
