"""Ninety days of one component, a bar per day, folded from incidents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from libs.common.events.incidents import Incident
from services.statuspage.domain import words
from services.statuspage.domain.sentence import LEVELS, Level, level_of

LENGTH: Final = 90
"""Bars of one component."""

DAY: Final = timedelta(days=1)
SAID: Final[dict[Level, str]] = {"maintenance": "in maintenance", "degraded": "problems", "down": "did not work"}


@dataclass(frozen=True)
class Outage:
    """A stretch of time in which a component was not all right; ``ends_at`` of ``None`` lasts still."""

    starts_at: datetime
    ends_at: datetime | None
    level: Level


@dataclass(frozen=True)
class Day:
    """One day (UTC) of one component. ``level`` of ``None``: nobody watched yet. ``affected`` is the time of the worst level."""

    date: date
    level: Level | None
    affected: timedelta = timedelta(0)

    @property
    def text(self) -> str:
        """The bar in words."""
        day = f"{self.date.day} {self.date:%B}"
        if self.level is None:
            return f"{day}: no data"
        if self.level == "ok":
            return f"{day}: no problems"
        return f"{day}: {SAID[self.level]} for {words.span(self.affected)}"


def concerns_service(incident: Incident, service: str) -> bool:
    """Whether a service suffers from an incident: its own, or one of the whole system."""
    return (
        incident.service == service
        or service in incident.services
        or (incident.service is None and incident.category in {"system_down", "maintenance"})
    )


def outages_of(incidents: Iterable[Incident], service: str, now: datetime) -> tuple[Outage, ...]:
    """When a service was not all right. False positives never happened; planned maintenance has not yet."""
    return tuple(
        outage
        for incident in incidents
        if concerns_service(incident, service) and (outage := outage_of(incident)) and outage.starts_at <= now
    )


def outage_of(incident: Incident) -> Outage | None:
    """The stretch of one incident; maintenance counts within its window."""
    if incident.verdict == "false_positive":
        return None
    starts_at, ends_at = incident.opened_at, incident.resolved_at
    if incident.category == "maintenance" and incident.window:
        starts_at = incident.window.starts_at
    if ends_at and ends_at <= starts_at:
        return None
    return Outage(starts_at, ends_at, level_of(incident))


def fold_days(outages: Sequence[Outage], now: datetime, since: date | None, length: int = LENGTH) -> tuple[Day, ...]:
    """The last ``length`` days up to today, oldest first; days before ``since`` have no data."""
    today = now.astimezone(UTC).date()
    return tuple(_day(outages, today - timedelta(days=back), now, since) for back in reversed(range(length)))


def share_up(outages: Sequence[Outage], now: datetime, since: date, length: int = LENGTH) -> float:
    """The share of the watched time in which the component worked at all, 0 to 1. Maintenance and problems are not counted against it."""
    start = max(_midnight(since), now - length * DAY)
    watched = now - start
    if watched <= timedelta(0):
        return 1.0
    down = _covered([outage for outage in outages if outage.level == "down"], start, now)
    return 1 - down / watched


def percent(share: float) -> str:
    """``99.98 %``; rounded down, so that only what was whole is called 100 %."""
    hundredths = int(share * 10_000)
    return "100 %" if hundredths == 10_000 else f"{hundredths / 100:.2f} %"


def _day(outages: Sequence[Outage], day: date, now: datetime, since: date | None) -> Day:
    """One bar: the worst level of the day, and for how long."""
    start = _midnight(day)
    end = min(start + DAY, now)
    touching = [outage for outage in outages if _covered([outage], start, end) > timedelta(0)]
    if not touching:
        return Day(day, None if since is None or day < since else "ok")
    level = max((outage.level for outage in touching), key=LEVELS.index)
    return Day(day, level, _covered([outage for outage in touching if outage.level == level], start, end))


def _covered(outages: Sequence[Outage], start: datetime, end: datetime) -> timedelta:
    """How much of ``start`` to ``end`` the outages cover together; what overlaps counts once."""
    spans = sorted((max(outage.starts_at, start), min(outage.ends_at or end, end)) for outage in outages)
    total, reach = timedelta(0), start
    for begin, finish in spans:
        begin_here = max(begin, reach)
        if finish > begin_here:
            total += finish - begin_here
            reach = finish
    return total


def _midnight(day: date) -> datetime:
    """The instant at which a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)
