"""What an operator looks for among the triggers: as the page's address holds it, and as intake is asked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

WITHIN: Final[Mapping[str, tuple[str, timedelta]]] = {
    "1h": ("The last hour", timedelta(hours=1)),
    "24h": ("The last 24 hours", timedelta(hours=24)),
    "7d": ("The last 7 days", timedelta(days=7)),
}
KINDS: Final[Mapping[str, str]] = {
    "telemetry": "Telemetry",
    "ticket": "Ticket",
    "provider": "Provider",
    "tool": "Tool",
    "maintenance": "Maintenance",
}
LOOKED_INTO: Final = ("q", "kind", "status", "severity", "source", "integration", "service", "dedup_key")
"""What intake is asked by the same name."""
RENAMED: Final[Mapping[str, str]] = {"since": "from"}
"""What the address calls otherwise, since Python keeps the word for itself."""


class NoMoment(ValueError):
    """A time that cannot be read."""


@dataclass(frozen=True)
class Search:
    """Every filter of the list of triggers; an empty one is none."""

    q: str = ""
    kind: str = ""
    status: str = ""
    severity: str = ""
    source: str = ""
    integration: str = ""
    service: str = ""
    dedup_key: str = ""
    within: str = ""
    since: str = ""
    until: str = ""

    @property
    def address(self) -> str:
        """The address's query: what is empty is left away."""
        return urlencode({RENAMED.get(name, name): value for name, value in asdict(self).items() if value})

    @property
    def refined(self) -> bool:
        """Whether a filter is set that is not seen at first."""
        return any((self.severity, self.dedup_key, self.since, self.until))

    @property
    def choices(self) -> Mapping[str, str]:
        """What is chosen from lists."""
        return asdict(self)

    def asked(self, now: datetime) -> dict[str, str]:
        """How intake is asked at ``now``. Raises :class:`NoMoment`."""
        told = {name: value for name in LOOKED_INTO if (value := getattr(self, name))}
        known = WITHIN.get(self.within)
        starts = [now - known[1]] if known else []
        if self.since:
            starts.append(moment(self.since))
        if starts:
            told["from"] = max(starts).isoformat()
        if self.until:
            told["until"] = moment(self.until).isoformat()
        return told


def moment(text: str) -> datetime:
    """An instant from a form, in UTC where it names no zone. Raises :class:`NoMoment`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise NoMoment(f"{text} is no time: write it as 2026-03-02T09:15, in UTC.") from error
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise NoMoment(f"{text} lies beyond every calendar.") from error
