"""What is announced beforehand, a maintenance or the outage of a tool: what a new announcement changes, and what opens nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from libs.common.events.base import Window
from libs.common.events.incidents import Incident
from services.escalator.domain.incident import Report
from services.escalator.domain.maintenance import revised

ChangeReason = Literal["window_moved", "details_changed"]
UnmovedReason = Literal["same_announcement", "older_sequence"]
PastReason = Literal["window_past", "ended_here_already"]

FIELDS: Final = (
    "title",
    "description",
    "severity",
    "service",
    "services",
    "tenants",
    "assigned_team",
    "window",
    "links",
)
"""What of an announcement may change."""


@dataclass(frozen=True)
class Announced:
    """What is announced, and which announcement of its sender it is, where the sender counts them."""

    report: Report
    sequence: int | None = None
    firing: bool = True


@dataclass(frozen=True)
class Changed:
    """The incident as it is announced now, and whether that is another window."""

    incident: Incident
    reason: ChangeReason


@dataclass(frozen=True)
class Unmoved:
    """Nothing new was said."""

    reason: UnmovedReason


def announced(incident: Incident, said: Announced, before: Announced | None, now: datetime) -> Changed | Unmoved:
    """What an announcement changes, ``before`` being what its sender said last.

    Only what the sender says otherwise than before counts, so that a repeat does not undo what somebody else changed meanwhile.
    """
    if is_older(said, before):
        return Unmoved("older_sequence")
    new = _fields(said.report, incident, now)
    old = _fields(before.report, incident, now) if before else {}
    return changed(incident, {name: value for name, value in new.items() if name not in old or old[name] != value}, now)


def changed(incident: Incident, fields: Mapping[str, Any], now: datetime) -> Changed | Unmoved:
    """The incident with these of :data:`FIELDS` as they are given."""
    fresh = {name: value for name, value in fields.items() if getattr(incident, name) != value}
    if not fresh:
        return Unmoved("same_announcement")
    after = incident.model_copy(update=fresh)
    return Changed(revised(after, now), "window_moved" if "window" in fresh else "details_changed")


def is_older(said: Announced, before: Announced | None) -> bool:
    """Whether the sender has said something newer already."""
    return bool(
        before and None not in (said.sequence, before.sequence) and (said.sequence or 0) < (before.sequence or 0)
    )


def past(said: Announced, before: Announced | None, now: datetime) -> PastReason | UnmovedReason | None:
    """Why an announcement of what is not open opens nothing: it is over, or was ended here and nothing new is said of it.

    ``before`` is what its sender said last of one that ended. Whoever posts a calendar posts what is over with it.
    """
    window = said.report.window
    if window is not None and window.ends_at is not None and window.ends_at <= now:
        return "window_past"
    if is_older(said, before):
        return "older_sequence"
    if before is not None and before.firing and _plain(before.report) == _plain(said.report):
        return "ended_here_already"
    return None


def _fields(report: Report, incident: Incident, now: datetime) -> dict[str, Any]:
    return {**_plain(report), "window": _window(report.window, incident.window, now)}


def _plain(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in FIELDS}


def _window(said: Window | None, known: Window | None, now: datetime) -> Window | None:
    """The window that is meant: who says of what was to come that it is so now, and no more, means that it has begun."""
    if said is not None or known is None:
        return said
    if known.starts_at <= now:
        return known
    return Window(starts_at=now, ends_at=known.ends_at)
