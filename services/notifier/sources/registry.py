"""The providers whose callbacks are read."""

from collections.abc import Mapping
from typing import Final

from services.notifier.sources import slack, twilio
from services.notifier.sources.base import Source

SOURCES: Final[Mapping[str, Source]] = {one.provider: one for one in (slack.SOURCE, twilio.SOURCE)}
"""By the word in the address: ``/v1/callbacks/<provider>/…``."""
