"""Calendars that announce maintenance (RFC 5545), with the properties of NANOG's MAINTNOTE where they carry some.

One event is one maintenance. ``METHOD:CANCEL``, ``STATUS:CANCELLED`` and ``X-MAINTNOTE-STATUS`` say that it ended; a later ``SEQUENCE`` of the same
event moves it. Each occurrence of an event that recurs is a maintenance of its own. What senders break is mended: folding, odd zones, line ends.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]  # it has no stubs
from icalendar import Calendar

from libs.common import icalendars
from services.intake.domain.dedup import bounded
from services.intake.domain.mapping import clean
from services.intake.domain.recurrence import NoCalendar, recurs, refuse_rules
from services.intake.domain.trigger import Series, Version
from services.intake.domain.wording import ending

NoticeState = Literal["tentative", "scheduled", "in_progress", "completed", "cancelled"]

MEDIA_TYPE: Final = "text/calendar"
MOST: Final = 200
"""Events of a calendar that is read."""
MOST_RECURRING: Final = 50
"""Of these so many may recur: to find their occurrences takes time."""
MOST_OCCURRENCES: Final = 2_000
"""Occurrences of all of its events."""
HORIZON: Final = timedelta(days=35)
"""How far ahead the occurrences of an event that recurs are announced; the rest as time goes on."""
BEHIND: Final = timedelta(days=1)
"""How long ago an occurrence may have ended to be still told of."""

_STATES: Final[dict[str, NoticeState]] = {
    "TENTATIVE": "tentative",
    "IN-PROCESS": "in_progress",
    "COMPLETED": "completed",
    "CANCELLED": "cancelled",
    "CANCELED": "cancelled",
}
"""The words of MAINTNOTE and of RFC 5545 (3.8.1.11). Any other, such as CONFIRMED or RE-SCHEDULED, is a maintenance that is planned."""

EARLIEST: Final = 1970
LATEST: Final = 2999

_BROKEN: Final = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)
"""What the library raises where a calendar breaks the rules in a way that it does not mend."""


@dataclass(frozen=True, slots=True)
class Affected:
    """A thing that the maintenance touches: ``X-MAINTNOTE-OBJECT-ID`` with its own impact where it has one."""

    id: str
    impact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One maintenance as a calendar announces it. Texts are the sender's own."""

    uid: str
    series: str
    """The key of the event that it is an occurrence of, or is itself."""
    version: Version
    recurrence: str = ""
    """Which occurrence of an event that recurs: its original beginning, ``20260307T220000Z``."""
    key: str
    """What makes two notices the same maintenance: provider and maintenance id where there are any, else the UID; with the occurrence."""
    state: NoticeState
    sequence: int
    title: str
    description: str = ""
    starts_at: datetime
    ends_at: datetime | None
    provider: str = ""
    maintenance_id: str = ""
    account: str = ""
    impact: str = ""
    """NO-IMPACT, REDUCED-REDUNDANCY, DEGRADED, OUTAGE; empty where the calendar does not say."""
    affected: tuple[Affected, ...] = ()
    categories: tuple[str, ...] = ()
    organizer: str = ""
    url: str = ""
    team: str = ""
    """``X-TOCSIN-TEAM``: the team assigned to it."""
    tenants: tuple[str, ...] = ()
    """``X-TOCSIN-TENANT``, as often as there are tenants."""

    @property
    def ended(self) -> Literal["cancelled", "completed"] | None:
        """How it ended, if it did."""
        return self.state if self.state in ("cancelled", "completed") else None


@dataclass(frozen=True, slots=True)
class Announcements:
    """What a calendar says: its notices, and the events that they are occurrences of."""

    notices: tuple[Notice, ...]
    series: tuple[Series, ...] = ()
    method: str = ""


def read_calendar(body: bytes, now: datetime, zone: str = "UTC") -> Announcements:
    """The notices of a calendar; times without a zone are those of ``zone``. Raises :class:`NoCalendar`."""
    try:
        return _read(_parsed(_text(body)), now, zone)
    except NoCalendar:
        raise
    except _BROKEN as error:
        raise NoCalendar(f"A part of the calendar cannot be read: {_said(error)}.") from error


def _read(calendar: Calendar, now: datetime, zone: str) -> Announcements:
    method = _word(calendar, "METHOD")
    if method in {"REPLY", "COUNTER", "REFRESH", "DECLINECOUNTER"}:
        return Announcements((), (), method)
    events = calendar.walk("VEVENT")
    info = ZoneInfo(zone)
    found = [_notice(event, method, info) for event in events if not recurs(event) and not _is_part(event, events)]
    recurring = [event for event in events if recurs(event)]
    if recurring:
        found.extend(_occurrences(calendar, {str(event.get("UID", "")) for event in recurring}, method, info, now))
        near = {(notice.uid, notice.recurrence) for notice in found}
        parts = [_notice(event, method, info) for event in events if _is_part(event, events)]
        # moved out of the weeks that are announced: it is announced all the same, and so is not taken for gone
        found.extend(part for part in parts if (part.uid, part.recurrence) not in near and part.starts_at > now)
    if len(found) > MOST_OCCURRENCES:
        raise NoCalendar(
            f"The calendar holds {len(found)} occurrences in {HORIZON.days} days; {MOST_OCCURRENCES} are read."
        )
    return Announcements(_told_apart(found), tuple(_series(events, method, now)), method)


def _series(events: Sequence[Any], method: str, now: datetime) -> Iterator[Series]:
    """What is said of each event, as its newest version in the calendar says it."""
    wholes: dict[str, Series] = {}
    parts: dict[str, Series] = {}
    for event in events:
        key, version = _series_key(event), _version(event)
        whole, repeats = event.get("RECURRENCE-ID") is None, recurs(event)
        goes_on = repeats and _state(event, method) != "cancelled" and _goes_on(event, now)
        known = wholes if whole else parts
        if key not in known or known[key].version.is_older_than(version):
            known[key] = Series(key, version, whole, repeats, goes_on)
    yield from (series for series in (parts | wholes).values() if series.key)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _parsed(text: str) -> Calendar:
    if "BEGIN:VCALENDAR" not in text.upper():
        raise NoCalendar("This is no iCalendar: it has no BEGIN:VCALENDAR.")
    try:
        calendar = icalendars.read(text)
    except _BROKEN as error:
        raise NoCalendar(f"This is no iCalendar: {_said(error)}.") from error
    if not isinstance(calendar, Calendar):
        raise NoCalendar("This is no iCalendar: it holds no VCALENDAR.")
    events = calendar.walk("VEVENT")
    if not events:
        raise NoCalendar("The calendar holds no event (VEVENT).")
    if len(events) > MOST:
        raise NoCalendar(f"The calendar holds {len(events)} events; {MOST} at most are read.")
    recurring = sum(recurs(event) for event in events)
    if recurring > MOST_RECURRING:
        raise NoCalendar(f"{recurring} events of the calendar recur; {MOST_RECURRING} at most are read.")
    for event in events:
        refuse_rules(event)
    return calendar


def _notice(event: Any, method: str, zone: ZoneInfo) -> Notice:
    uid = _uid(event)
    title = str(event.get("SUMMARY", "")).strip()
    state = _state(event, method)
    starts_at, ends_at = _times(event, zone)
    if state != "cancelled":
        _refuse_unknown_zones(event)
    provider, ids = _text_of(event, "X-MAINTNOTE-PROVIDER"), list(_maintenance_ids(event))
    recurrence = event.get("RECURRENCE-ID")
    occurrence = f"{_instant(recurrence.dt, zone):%Y%m%dT%H%M%SZ}" if recurrence is not None else ""
    base = ":".join(part for part in (provider, ids[0]) if part) if ids else uid
    if not base:
        raise NoCalendar("An event needs a UID, by which it can be moved and cancelled.")
    impact = _text_of(event, "X-MAINTNOTE-IMPACT").upper()
    return Notice(
        uid=uid,
        series=_series_key(event),
        version=_version(event),
        recurrence=occurrence,
        key=f"{base}/{occurrence}" if occurrence else base,
        state=state,
        sequence=_version(event).sequence,
        title=title or f"Maintenance {ids[0] if ids else uid}",
        description=str(event.get("DESCRIPTION", "")).strip(),
        starts_at=starts_at,
        ends_at=ends_at,
        provider=provider,
        maintenance_id=ids[0] if ids else "",
        account=_text_of(event, "X-MAINTNOTE-ACCOUNT"),
        impact=impact,
        affected=tuple(_affected(event, impact)),
        categories=tuple(_categories(event)),
        organizer=_text_of(event, "ORGANIZER").removeprefix("mailto:").removeprefix("MAILTO:"),
        url=_text_of(event, "URL"),
        team=_text_of(event, "X-TOCSIN-TEAM"),
        tenants=tuple(str(each).strip() for each in _all(event, "X-TOCSIN-TENANT") if str(each).strip()),
    )


def _state(event: Any, method: str) -> NoticeState:
    """The worst ending counts: a calendar that cancels an event does so whatever else it says of it."""
    words = [_word(event, "X-MAINTNOTE-STATUS"), _word(event, "STATUS")]
    if method == "CANCEL" or {"CANCELLED", "CANCELED"} & set(words):
        return "cancelled"
    known = next((_STATES[word] for word in words if word in _STATES), None)
    if known is None and _word(event, "X-MAINTNOTE-PROVIDER"):
        # the status may be left away; those who do so say in the title that it is over
        known = ending(str(event.get("SUMMARY", ""))) or None
    return known or "scheduled"


def _times(event: Any, zone: ZoneInfo) -> tuple[datetime, datetime | None]:
    try:
        starts_at, ends_at = _instant(event.start, zone), _instant(event.end, zone)
    except _BROKEN as error:
        raise NoCalendar(f"The times of {_called(event)} cannot be read: {_said(error)}.") from error
    return starts_at, ends_at if ends_at > starts_at else None


def _refuse_unknown_zones(event: Any) -> None:
    """Raise :class:`NoCalendar` for times on clocks that nobody knows: in a window that is guessed, alarms would page nobody."""
    for name in icalendars.unknown_zones(event):
        raise NoCalendar(
            f"The times of {_called(event)} are in the zone {name}, which is unknown: "
            "name one of the IANA's, such as Europe/Lisbon, or define it (VTIMEZONE)."
        )


def _called(event: Any) -> str:
    return str(event.get("SUMMARY", "") or event.get("UID", "")).strip() or "an event"


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """A date is its midnight; a time without a zone is one of ``zone``."""
    moment = value if isinstance(value, datetime) else datetime.combine(value, time())
    found = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if not EARLIEST <= found.year <= LATEST:
        raise ValueError(f"it lies outside of the years {EARLIEST} to {LATEST}")
    return found


def _uid(event: Any) -> str:
    return str(event.get("UID", "")).strip()


def _series_key(event: Any) -> str:
    return bounded(clean(_uid(event)))


def _version(event: Any) -> Version:
    """Of two with one ``SEQUENCE`` the later ``DTSTAMP`` is the newer; a stamp that cannot be read says nothing."""
    try:
        stamp = _instant(event["DTSTAMP"].dt, ZoneInfo("UTC"))
    except _BROKEN:
        stamp = None
    return Version(_sequence(event), stamp)


def _sequence(event: Any) -> int:
    try:
        return min(max(int(event.get("SEQUENCE", 0)), 0), 2**31 - 1)
    except (ValueError, TypeError):
        return 0


def _maintenance_ids(event: Any) -> Iterator[str]:
    """The ids, the one marked as the main one first."""
    ids = [each for each in _all(event, "X-MAINTNOTE-MAINTENANCE-ID") if str(each).strip()]
    ids.sort(key=lambda each: str(each.params.get("X-MAINTNOTE-PRECEDENCE", "")).upper() != "PRIMARY")
    yield from (str(each).strip() for each in ids)


def _affected(event: Any, impact: str) -> Iterator[Affected]:
    for each in _all(event, "X-MAINTNOTE-OBJECT-ID"):
        if str(each).strip():
            own = str(each.params.get("X-MAINTNOTE-OBJECT-IMPACT", "")).upper()
            yield Affected(str(each).strip(), own or impact)


def _categories(event: Any) -> Iterator[str]:
    for each in _all(event, "CATEGORIES"):
        for category in getattr(each, "cats", [each]):
            if str(category).strip():
                yield str(category).strip()


def _is_part(event: Any, events: Iterable[Any]) -> bool:
    """Whether this is a changed occurrence of an event that recurs in the same calendar, which is read with it."""
    uid = str(event.get("UID", ""))
    return event.get("RECURRENCE-ID") is not None and any(
        recurs(other) and str(other.get("UID", "")) == uid for other in events
    )


def _occurrences(calendar: Calendar, uids: set[str], method: str, zone: ZoneInfo, now: datetime) -> Iterator[Notice]:
    query = recurring_ical_events.of(calendar, skip_bad_series=True)
    found = (event for event in query.between(now - BEHIND, now + HORIZON) if str(event.get("UID", "")) in uids)
    for event in islice(found, MOST_OCCURRENCES + 1):
        yield _notice(event, method, zone)


def _goes_on(event: Any, now: datetime) -> bool:
    beyond = recurring_ical_events.of(_alone(event), skip_bad_series=True).after(now + HORIZON)
    return next(iter(beyond), None) is not None


def _alone(event: Any) -> Calendar:
    calendar = Calendar()
    calendar.add_component(event)
    return calendar


def _told_apart(notices: list[Notice]) -> tuple[Notice, ...]:
    """The newest of each event; several events with the same maintenance id are told apart by their UIDs."""
    newest: dict[tuple[str, str], Notice] = {}
    for notice in notices:
        known = newest.get((notice.key, notice.uid))
        if known is None or not notice.version.is_older_than(known.version):
            newest[notice.key, notice.uid] = notice
    shared = Counter(notice.key for notice in newest.values())
    return tuple(
        replace(notice, key=f"{notice.key}:{notice.uid}") if shared[notice.key] > 1 else notice
        for notice in sorted(newest.values(), key=lambda each: (each.starts_at, each.key))
    )


def _all(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]


def _text_of(event: Any, name: str) -> str:
    found = _all(event, name)
    return str(found[0]).strip() if found else ""


def _said(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _word(component: Any, name: str) -> str:
    return _text_of(component, name).upper()
