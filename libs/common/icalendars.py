"""iCalendars (RFC 5545) of others, read: broken folding is mended, and zones are found by each name that programs give them.

A zone's name may be the IANA's in any letters, Windows' (Outlook; by the CLDR's table, which icalendar keeps), one behind the prefix of a
vendor, or one that the calendar defines itself. What it defines counts for that calendar alone: the parser remembers zones by name, so that
another calendar's *Customized Time Zone* would stand for this one's.
"""

import re
from calendar import isleap
from collections.abc import Iterator
from datetime import date, datetime, time
from functools import lru_cache
from threading import Lock
from typing import Any, Final
from zoneinfo import available_timezones

from dateutil.rrule import rrulestr
from icalendar import Calendar
from icalendar.timezone import tzp
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

TIMES: Final = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE", "RDATE")
"""The properties of an event that may be on the clocks of a zone."""

LAST_YEAR: Final = 9999
"""The last that a date can lie in."""

_PROPERTY: Final = re.compile(r"^[A-Za-z][A-Za-z0-9-]*[:;]")
_ZONED: Final = re.compile(rf'^((?:{"|".join(TIMES)})(?:;[^:";]*)*?;TZID=)("[^"]*"|[^;:"]*)', re.IGNORECASE)
_DEFINED: Final = re.compile(r"^TZID(?:;[^:]*)?:(.*)$", re.IGNORECASE)
_MICROSOFT_UTC: Final = "tzone://microsoft/utc"
_one_at_a_time: Final = Lock()


def read(text: str) -> Any:
    """The component that ``text`` holds. Raises :class:`ValueError`, :class:`KeyError` or :class:`IndexError` for what is none."""
    mended = "\r\n".join(_named(_lines(text))) + "\r\n"
    with _one_at_a_time:
        tzp.use_default()
        return Calendar.from_ical(mended)


def unknown_zones(event: Any) -> Iterator[str]:
    """The zones that an event's times are said to be in, and that nobody knows."""
    for name in TIMES:
        said = event.get(name, [])
        for one in said if isinstance(said, list) else [said]:
            zone = one.params.get("TZID")
            moments = [each.dt for each in one.dts] if hasattr(one, "dts") else [one.dt]
            if zone and any(getattr(moment, "tzinfo", zone) is None for moment in moments):
                yield str(zone)


def zone_named(name: str) -> str | None:
    """The IANA's name of a zone that somebody calls ``name``; ``None`` where nobody does."""
    said = name.strip().strip('"').casefold()
    parts = said.strip("/").split("/")
    candidates = ["/".join(parts[start:]) for start in range(len(parts))]
    known = _zones()
    return next(
        (
            known[candidate]
            for place, candidate in enumerate(candidates)
            if candidate in known and (place == 0 or "/" in candidate or said.startswith("/"))
        ),
        None,
    )


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """The IANA's name of each zone by every name that is known, in small letters."""
    iana = {name.casefold(): name for name in available_timezones()}
    windows = {name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()}
    return {**windows, _MICROSOFT_UTC: "UTC", **iana}


def occurs(rule: Any, start: date) -> bool:
    """Whether there is ever an occurrence: for one that there is not (30 February) the library looks until the year 9999, every day.

    It looks from a year near its end, whose days and weekdays are those of the first year.
    """
    moment = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime.combine(start, time())
    year = next(year for year in range(LAST_YEAR - 55, LAST_YEAR) if _calendar_of(year) == _calendar_of(moment.year))
    told = rule.to_ical().decode()
    endless = ";".join(part for part in told.split(";") if not part.upper().startswith(("COUNT=", "UNTIL=")))
    return next(iter(rrulestr(endless, dtstart=moment.replace(year=year))), None) is not None


def _calendar_of(year: int) -> tuple[int, bool]:
    """What makes two years have the same days: their first weekday, and whether they are leap years."""
    return date(year, 1, 1).weekday(), isleap(year)


def _lines(text: str) -> list[str]:
    """The lines, unfolded: what begins with a space, or like no property, goes on with the line before."""
    lines: list[str] = []
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            continue
        if lines and line.startswith((" ", "\t")):
            lines[-1] += line[1:]
        elif lines and not _PROPERTY.match(line):
            lines[-1] += line
        else:
            lines.append(line)
    return lines


def _named(lines: list[str]) -> Iterator[str]:
    """The lines, with zones by the IANA's names but for those that the calendar defines."""
    defined = {found[1].strip() for line in lines if (found := _DEFINED.match(line))}
    for line in lines:
        found = _ZONED.match(line)
        zone = zone_named(found[2]) if found and found[2].strip('"') not in defined else None
        yield line if found is None or zone is None else f"{found[1]}{zone}{line[found.end() :]}"
