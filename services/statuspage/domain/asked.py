"""What an operator asks to be played through: as the page's address holds it, and as the escalator is asked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from libs.common.events.base import Category
from services.statuspage.domain.search import moment

KINDS: Final[Mapping[str, str]] = {
    "telemetry": "A telemetry alarm",
    "ticket": "A user's P1 ticket",
    "provider": "A provider's notice",
    "tool": "A tool owner's notice",
    "maintenance": "A scheduled maintenance",
}
LASTING: Final[Mapping[str, str]] = {
    "1h": "The first hour",
    "2h": "The first two hours",
    "6h": "The first six hours",
    "2d": "The first two days",
}
SITUATION: Final = (
    "kind", "service", "tool", "severity", "title", "assigned_team",
    "source", "integration", "provider", "category", "description",
)  # fmt: skip
CATEGORIES: Final[tuple[str, ...]] = get_args(Category)


class NotAsked(ValueError):
    """A form that asks nothing that can be played; the sentence says what to change."""


@dataclass(frozen=True)
class Asked:
    """Every field of the form as it was sent; an empty one is not said."""

    kind: str = ""
    service: str = ""
    tool: str = ""
    tenant: str = ""
    severity: str = ""
    title: str = ""
    assigned_team: str = ""
    at: str = ""
    begins: str = ""
    ends: str = ""
    acknowledge_after: str = ""
    resolve_after: str = ""
    update_every: str = ""
    lasting: str = ""
    source: str = ""
    integration: str = ""
    provider: str = ""
    category: str = ""
    description: str = ""
    labels: str = ""
    """As ``name=value``, one after the other behind commas or on lines of their own."""

    @property
    def complete(self) -> bool:
        """Whether there is something to play."""
        return bool(self.kind and self.at)

    @property
    def further(self) -> bool:
        """Whether a field is filled that is not seen at first."""
        said = (self.title, self.assigned_team, self.begins, self.ends, self.resolve_after, self.update_every)
        asked = (self.source, self.integration, self.provider, self.category, self.description, self.labels)
        return any((*said, *asked))

    def body(self) -> dict[str, Any]:
        """How the escalator is asked.

        Raises :class:`~services.statuspage.domain.search.NoMoment` for a time that cannot be read, and :class:`NotAsked`.
        """
        said = asdict(self)
        situation: dict[str, Any] = {name: said[name] for name in SITUATION if said[name]}
        if self.tenant:
            situation["tenants"] = [self.tenant]
        if labels := _labels(self.labels):
            situation["labels"] = labels
        if self.begins:
            ends = {"ends_at": moment(self.ends).isoformat()} if self.ends else {}
            situation["window"] = {"starts_at": moment(self.begins).isoformat(), **ends}
        spans = {
            name: f"{said[name]}m"
            for name in ("acknowledge_after", "resolve_after", "update_every")
            if said[name].isdecimal()
        }
        lasting = {"lasting": self.lasting} if self.lasting else {}
        return {"situation": situation, "at": moment(self.at).isoformat(), **spans, **lasting}


def _labels(text: str) -> dict[str, str]:
    found = {}
    for one in text.replace("\n", ",").split(","):
        name, equals, value = (part.strip() for part in one.partition("="))
        if one.strip() and not (name and equals):
            raise NotAsked(f"Write labels as name=value, not as “{one.strip()}”.")
        if name:
            found[name] = value
    return found


def usual(now: datetime) -> Asked:
    """What the form says at first: an alarm in a moment."""
    soon = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)
    return Asked(kind="telemetry", severity="critical", at=f"{soon:%Y-%m-%dT%H:%M}", lasting="2h")
