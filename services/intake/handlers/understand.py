"""What becomes of a body: the one way in which bodies that arrive and bodies that are only tried out are read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.intake.domain.headers import kept_headers
from services.intake.domain.integration import Integration
from services.intake.domain.trigger import Reading
from services.intake.sources.base import Arrival, Source


@dataclass(frozen=True, slots=True)
class Understood:
    """What was read, and the headers that may be kept."""

    reading: Reading
    headers: dict[str, str]


def understand(
    source: Source[Any], integration: Integration[Any], headers: Iterable[tuple[str, str]], body: bytes, now: datetime
) -> Understood:
    """Read a body as ``source`` reads it at ``now``. Pure, and never raises."""
    kept = kept_headers(headers)
    return Understood(source.read(Arrival(kept, body, integration, now)), kept)
