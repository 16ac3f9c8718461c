"""What the parts of ``channels.yaml`` share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from libs.common.config import ConfigModel, SecretRef
from libs.common.events.base import TICKET
from services.notifier.channels.local import Shelf

Timeout = Annotated[float, Field(gt=0, le=50)]
"""Seconds that a provider may take to answer; shorter than the lease of a send."""

Secrets = Callable[[str, SecretRef | None], str]
"""The secret of a channel's field. Raises :class:`~libs.common.errors.Misconfigured` where it is not there."""

TicketChannel = Annotated[str, StringConstraints(pattern=rf"^{TICKET}[a-z0-9][a-z0-9_.-]{{0,62}}$")]
"""``ticket:zendesk`` comments on the tickets that came through the integration ``zendesk``."""


class BaseChannel(ConfigModel):
    """What all channels have. ``id`` is the word that contacts use: ``sms``, ``voice``, ``email``, ``slack``, ``ticket:INTEGRATION``."""

    id: Literal["sms", "voice", "email", "slack"] | TicketChannel
    name: str
    provider_names: tuple[str, ...] = ()
    """The names under which an incident may be about this channel's provider: then this channel is not used for it."""


@dataclass(frozen=True)
class Surroundings:
    """What channels need that is not theirs to configure."""

    shelf: Shelf
    public_url: str | None
    """Where providers reach this service; without it no confirmations are asked for."""
    twilio_base_url: str | None = None
    slack_base_url: str | None = None
