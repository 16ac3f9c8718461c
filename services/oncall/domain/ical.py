"""Shifts as iCalendar (RFC 5545), and what others write in it.

A shift is written as two UTC instants and never as a rule: overrides and clock changes make rules lie. What is read may have rules,
exceptions, odd zones, broken folding; a time without a zone is on the clocks of the rota, and a new one in a zone that nobody knows is
refused.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import recurring_ical_events  # type: ignore[import-untyped]  # it has no stubs
from icalendar import Alarm, Calendar, Event, vText

from libs.common import icalendars
from libs.common.rules import meant
from services.oncall.domain.shift import Role, Shift

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
LARGEST: Final = 1024 * 1024
"""Bytes of a calendar that is read."""
MOST: Final = 5000
"""Events of a calendar that is read, and shifts that a range of it may have."""
PERSON: Final = "X-TOCSIN-PERSON"
"""The property in which our own feeds name a person by id."""

_TIMES: Final = ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
"""The properties that say when an event is."""
_TOO_FINE: Final = ("BYSECOND", "BYMINUTE")
_REFRESH: Final = timedelta(hours=1)
_LATEST: Final = 9000
"""The year beyond which nobody is on shift: what reckons with time needs some to spare."""


Clocks = Callable[[Sequence[str]], str | None]
"""The zone of whoever is meant by an event's names, where somebody is."""


@dataclass(frozen=True)
class Entry:
    """A shift as a calendar shows it."""

    rota: str
    rota_name: str
    person_name: str
    shift: Shift

    @property
    def uid(self) -> str:
        """The same for the same shift, whenever it is rendered."""
        shift = self.shift
        said = f"{self.rota}|{shift.layer}|{shift.role}|{shift.person}|{shift.starts_at.isoformat()}"
        return f"{hashlib.sha256(said.encode()).hexdigest()[:32]}@{self.rota}.tocsin"


@dataclass(frozen=True)
class Imported:
    """A calendar that was read, as a layer of a rota: whose events they are is said by ``known``, or, for all of them, ``person``."""

    id: str
    text: str
    role: Role
    priority: int
    known: Mapping[str, str] = field(hash=False)
    person: str | None = None

    def shifts(self, start: datetime, end: datetime, zone: str) -> Iterator[Shift]:
        """The shifts that touch ``[start, end)``, whole. One of somebody unknown is vacant, so that the backups stand in."""
        for number, one in enumerate(occurrences(self.text, start, end, zone)):
            if one.starts_at < one.ends_at:
                person = self.person or whose(one.names, self.known)
                yield Shift(person, one.starts_at, one.ends_at, number, self.id, self.role, self.priority, "calendar")


@dataclass(frozen=True)
class Occurrence:
    """One occurrence of an event of a calendar that was read. ``names`` say whose it may be, the surest first."""

    names: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime


def rendered(name: str, entries: Iterable[Entry], stamp: datetime, alarm: timedelta | None = None) -> bytes:
    """The calendar of these shifts. ``stamp`` is when any of them changed last."""
    calendar = Calendar()
    calendar.add("prodid", "-//Tocsin//On call//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", vText(name))
    calendar.add("x-wr-calname", vText(name))
    calendar.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        calendar.add_component(_event(entry, stamp, alarm))
    return bytes(calendar.to_ical())


def _event(entry: Entry, stamp: datetime, alarm: timedelta | None) -> Event:
    shift = entry.shift
    role = "" if shift.role == "primary" else f", {shift.role}"
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("last-modified", stamp.astimezone(UTC))
    event.add("sequence", int(stamp.timestamp()))
    event.add("dtstart", shift.starts_at.astimezone(UTC))
    event.add("dtend", shift.ends_at.astimezone(UTC))
    event.add("summary", f"{entry.person_name} on call ({entry.rota_name}{role})")
    event.add("categories", ["ONCALL"])
    event.add("transp", "OPAQUE" if shift.role == "primary" else "TRANSPARENT")
    event.add(PERSON, shift.person or "")
    if alarm is not None:
        reminder = Alarm()
        reminder.add("action", "DISPLAY")
        reminder.add("description", f"Your shift begins: {entry.rota_name}")
        reminder.add("trigger", -alarm)
        event.add_component(reminder)
    return event


def etag_of(name: str, entries: Iterable[Entry]) -> str:
    """Tells what a feed says from what it said before, whenever it was rendered."""
    said = hashlib.sha256(name.encode())
    for entry in entries:
        said.update(f"{entry.uid}|{entry.shift.ends_at.isoformat()}|{entry.person_name}|{entry.rota_name}\n".encode())
    return f'W/"{said.hexdigest()[:32]}"'


@lru_cache(maxsize=64)
def parsed(text: str, *, new: bool = False) -> Calendar:
    """The calendar. Raises :class:`ValueError` for what is none, and for one whose rules would never end being counted.

    A ``new`` one is refused also for an event of which nobody can tell when it is. What was taken in once is laid out as it can be.
    """
    if len(text.encode()) > LARGEST:
        raise ValueError(f"a calendar has {LARGEST // 1024} KiB at most")
    if "BEGIN:VCALENDAR" not in text.upper():
        raise ValueError("this is no iCalendar: it has no BEGIN:VCALENDAR")
    try:
        calendar = icalendars.read(text)
    except (ValueError, KeyError, IndexError) as error:
        raise ValueError(f"this is no iCalendar: {error}") from error
    if not isinstance(calendar, Calendar):
        raise ValueError("this is no iCalendar: it holds no VCALENDAR")  # noqa: TRY004 - the text is wrong, not a type
    events = calendar.walk("VEVENT")
    if len(events) > MOST:
        raise ValueError(f"a calendar has {MOST} events at most")
    for event in events:
        (_refuse_unreadable if new else _refuse_too_often)(event)
    if new:
        _refuse_twins(events)
    return calendar


def _refuse_unreadable(event: Any) -> None:
    """Raise :class:`ValueError` for an event of which nobody can tell when it is: it would be left out in silence."""
    name = _called(event)
    unread = _unread(event)
    if unread:
        raise ValueError(unread)
    if "DTSTART" not in event:
        raise ValueError(f"the event {name!r} does not say when it begins: it has no DTSTART")
    for once in ("DTSTART", "DTEND", "DURATION"):
        if isinstance(event.get(once), list):
            raise ValueError(f"the event {name!r} has more than one {once}")  # noqa: TRY004 - the text is wrong
    _refuse_span(event, name)
    _refuse_too_often(event)
    for rule in _rules(event):
        _refuse_rule(rule, event, name)
    if "EXRULE" in event:
        raise ValueError(
            f"the event {name!r} has an EXRULE, which is read no more (RFC 5545); write its dates as EXDATE"
        )
    for zone in icalendars.unknown_zones(event):
        raise ValueError(
            f"{_in_unknown_zone(name, zone)}: name one of the IANA's, such as Europe/Lisbon, or define it (VTIMEZONE)"
        )


def _refuse_span(event: Any, name: str) -> None:
    """Raise :class:`ValueError` for an event that ends before it begins, or beyond every calendar."""
    begin, end = event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None
    if "DURATION" in event and event["DURATION"].dt < timedelta(0):
        raise ValueError(f"the event {name!r} ends before it begins")
    if end is not None and _comparable(begin, end) and end < begin:
        raise ValueError(f"the event {name!r} ends before it begins")
    if max(begin.year, end.year if end else 0) > _LATEST:
        raise ValueError(
            f"the event {name!r} lies beyond the year {_LATEST}; for what has no end, write a rule (RRULE)"
        )


def _comparable(one: date, other: date) -> bool:
    """Whether both are days, or both instants, or both times on a wall."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return (one.tzinfo is None) == (other.tzinfo is None)
    return not isinstance(one, datetime) and not isinstance(other, datetime)


def _refuse_too_often(event: Any) -> None:
    for rule in _rules(event):
        if rule.get("FREQ", [""])[0] in {"SECONDLY", "MINUTELY"} or any(part in rule for part in _TOO_FINE):
            raise ValueError("shifts do not recur by the minute or the second")


def _refuse_rule(rule: Any, event: Any, name: str) -> None:
    """Raise :class:`ValueError` for a rule that nobody can follow, or that would be followed for ever."""
    if not rule.get("FREQ"):
        raise ValueError(f"the event {name!r} has an RRULE that does not say how often: it has no FREQ")
    if rule.get("RSCALE"):
        raise ValueError(f"the event {name!r} recurs by an RSCALE, which is not understood; write its dates as RDATE")
    if any(int(each) < 1 for each in rule.get("INTERVAL", [])) or not icalendars.occurs(rule, event["DTSTART"].dt):
        raise ValueError(f"the event {name!r} recurs by a rule under which it never does")


def _refuse_twins(events: Iterable[Any]) -> None:
    """Raise :class:`ValueError` for two events that are said to be one and are not: one of them would be left out in silence."""
    known: dict[tuple[str, str], Any] = {}
    for event in events:
        if "UID" in event and "RECURRENCE-ID" not in event:
            one = known.setdefault((str(event["UID"]), str(event.get("SEQUENCE", 0))), event)
            if one["DTSTART"].dt != event["DTSTART"].dt:
                raise ValueError(
                    f"the events {_called(one)!r} and {_called(event)!r} have one UID, {str(event['UID'])!r}, and begin at two times"
                )


def doubt_of(text: str) -> str | None:
    """What is doubtful of a calendar that was taken in before such a one was refused: when an event is, or on whose clocks."""
    try:
        events = parsed(text).walk("VEVENT")
    except ValueError as error:
        return str(error)
    for event in events:
        unread = _unread(event)
        if unread:
            return unread
        for zone in icalendars.unknown_zones(event):
            return f"{_in_unknown_zone(_called(event), zone)}, so that its times are read as if they named no zone"
    return None


def _unread(event: Any) -> str | None:
    """Which of the properties that say when an event is cannot be read, and why."""
    found = ((wrong, why) for wrong, why in event.errors if wrong in _TIMES)
    return next(
        (f"the event {_called(event)!r} has a {wrong} that cannot be read: {why}" for wrong, why in found), None
    )


def _in_unknown_zone(name: str, zone: str) -> str:
    return (
        f"the event {name!r} is on the clocks of {zone!r}, a zone that nobody knows{meant(zone, available_timezones())}"
    )


def _called(event: Any) -> str:
    return str(event.get("SUMMARY") or event.get("UID") or "without a name").strip()


def occurrences(
    text: str, start: datetime, end: datetime, zone: str, clocks: Clocks | None = None
) -> tuple[Occurrence, ...]:
    """What happens in ``[start, end)`` and is not called off, whole, in order, :data:`MOST` at most.

    Times without a zone are those of ``zone``, or of the one that ``clocks`` names for whose event it is.
    """
    calendar = parsed(text)
    query = recurring_ical_events.of(calendar, skip_bad_series=True)
    # A day more on both sides: times without a zone are compared in UTC.
    beside = timedelta(days=1)
    events = query.between(start - beside, end + beside)
    found = [
        _occurrence(event, zone, clocks) for event in events if str(event.get("STATUS", "")).upper() != "CANCELLED"
    ]
    kept = [one for one in found if one.starts_at < end and one.ends_at > start]
    return tuple(sorted(kept, key=lambda one: (one.starts_at, one.names))[:MOST])


def _occurrence(event: Any, zone: str, clocks: Clocks | None) -> Occurrence:
    names = tuple(_names(event))
    info = ZoneInfo((clocks and clocks(names)) or zone)
    return Occurrence(names, _instant(event.start, info), _instant(event.end, info))


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """A date is its midnight; a time without a zone is of ``zone``."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _names(event: Any) -> Iterator[str]:
    """Whose event it may be: the id that we wrote, attendees' addresses and names, the summary and its beginning."""
    if event.get(PERSON):
        yield str(event[PERSON])
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        yield str(attendee).removeprefix("mailto:").removeprefix("MAILTO:")
        if attendee.params.get("CN"):
            yield str(attendee.params["CN"])
    summary = str(event.get("SUMMARY", "")).strip()
    yield summary
    for separator in (" on call", " On-Call", " (", " - ", ":"):
        head = summary.partition(separator)[0].strip()
        if head != summary:
            yield head


def _rules(event: Any) -> list[Any]:
    rules = event.get("RRULE", [])
    return rules if isinstance(rules, list) else [rules]


def whose(names: Sequence[str], known: Mapping[str, str]) -> str | None:
    """The person whom one of ``names`` means. ``known`` leads from ids, names and addresses, in small letters, to ids."""
    return next((known[name.casefold()] for name in names if name.casefold() in known), None)
