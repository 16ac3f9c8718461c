"""Addresses and bodies of Opsgenie's Heartbeat API, read as Opsgenie's clients write them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote

from services.intake.domain.heartbeat import Heartbeat, Said, Wanted
from services.intake.domain.look import Look
from services.intake.domain.mapping import NAME_LIMIT, TITLE_LIMIT, clean

ROOT: Final = "/v2/heartbeats"

Action = Literal["get", "update", "delete", "ping", "enable", "disable"]

ACTIONS: Final[dict[tuple[str, str], Action]] = {
    **{(method, "ping"): "ping" for method in ("GET", "POST", "PUT", "PATCH")},
    ("POST", "enable"): "enable",
    ("POST", "disable"): "disable",
    ("GET", ""): "get",
    ("PATCH", ""): "update",
    ("DELETE", ""): "delete",
}
"""By the method and the last word of the address."""

UNITS: Final = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1), "days": timedelta(days=1)}
LONGEST: Final = timedelta(days=366)
NAME_LENGTH: Final = 200
PRIORITIES: Final = ("P1", "P2", "P3", "P4", "P5")
DEFAULT_PRIORITY: Final = "P3"


@dataclass(frozen=True, slots=True)
class HeartbeatPlace:
    """What an address below ``/v2/heartbeats/`` means."""

    name: str
    action: Action


def heartbeat_place_of(method: str, raw_path: str) -> HeartbeatPlace | None:
    """The heartbeat and the action of an address as it was sent; ``None`` where Opsgenie has none such.

    Names come escaped or not, with a slash at the end or not; a name in one piece is never cut.
    """
    segments = raw_path.partition(ROOT)[2].strip("/").split("/")
    words = {word for _, word in ACTIONS if word}
    last = segments.pop() if len(segments) > 1 and segments[-1] in words else ""
    name = name_of(unquote("/".join(segments)))
    action = ACTIONS.get((method, last))
    return HeartbeatPlace(name, action) if name and action else None


def name_of(text: str) -> str:
    """A heartbeat's name as it is kept."""
    return clean(text, NAME_LENGTH)


class BadHeartbeat(ValueError):
    """Fields of a body that cannot be; ``problems`` has a sentence for each."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


def wanted_of(look: Look, before: Heartbeat | None = None) -> Wanted:
    """The heartbeat that a body asks for; what it leaves away stays as it was ``before``. Raises :class:`BadHeartbeat`."""
    problems: dict[str, str] = {}
    name = before.name if before else name_of(look.text("name"))
    if not name:
        problems["name"] = "Name can not be empty."
    every, unit = _interval(look, before, problems)
    enabled = look.at("enabled").value
    if enabled is None:
        enabled = before.enabled if before else True
    if not isinstance(enabled, bool):
        problems["enabled"] = "Enabled should be true or false."
    said = replace(_said(look, before.said if before else Said(message=f"{name} is expired"), problems), unit=unit)
    if problems:
        raise BadHeartbeat(problems)
    return Wanted(name, name, every, timedelta(0), bool(enabled), at_once=False, said=said)


def _interval(look: Look, before: Heartbeat | None, problems: dict[str, str]) -> tuple[timedelta, str]:
    unit = look.text("intervalUnit").lower() or (unit_of(before) if before else "")
    if unit not in UNITS:
        problems["intervalUnit"] = "Interval unit should be one of minutes, hours and days."
        return timedelta(0), ""
    number = look.at("interval").value
    if number is None and before is not None:
        number = interval_of(before)
    most = LONGEST // UNITS[unit]
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
        problems["interval"] = f"Interval should be a whole number from 1 to {most}."
        return timedelta(0), unit
    return number * UNITS[unit], unit


def _said(look: Look, before: Said, problems: dict[str, str]) -> Said:
    priority = look.text("alertPriority").upper() or before.priority or DEFAULT_PRIORITY
    if priority not in PRIORITIES:
        problems["alertPriority"] = f"Alert priority should be one of {', '.join(PRIORITIES)}."
    return Said(
        message=clean(look.text("alertMessage"), TITLE_LIMIT) or before.message,
        description=clean(look.text("description")) or before.description,
        priority=priority,
        tags=tuple(clean(tag, NAME_LIMIT) for tag in look.texts("alertTags")) or before.tags,
    )


def unit_of(heartbeat: Heartbeat) -> str:
    """The unit in which the heartbeat is told: its sender's, else the largest that it is whole in."""
    fits = [unit for unit, length in UNITS.items() if heartbeat.every % length == timedelta(0)]
    return heartbeat.said.unit if heartbeat.said.unit in fits else (fits or ["minutes"])[-1]


def interval_of(heartbeat: Heartbeat) -> int:
    """How many units there are between two of its pings."""
    return max(1, heartbeat.every // UNITS[unit_of(heartbeat)])


def told_of(heartbeat: Heartbeat) -> dict[str, Any]:
    """A heartbeat as Opsgenie shows it."""
    said = heartbeat.said
    return {
        **brief_of(heartbeat),
        "description": said.description,
        "interval": interval_of(heartbeat),
        "intervalUnit": unit_of(heartbeat),
        "alertMessage": said.message,
        "alertTags": list(said.tags),
        "alertPriority": said.priority or DEFAULT_PRIORITY,
        "lastPingTime": heartbeat.last_at,
    }


def brief_of(heartbeat: Heartbeat) -> dict[str, Any]:
    """What Opsgenie tells of a heartbeat that was switched or changed."""
    return {"name": heartbeat.name, "enabled": heartbeat.enabled, "expired": heartbeat.missing_since is not None}
