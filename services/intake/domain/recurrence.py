"""Rules by which events recur (RFC 5545, 3.3.10): those by which nobody announces a maintenance are refused before they are followed."""

from calendar import isleap
from datetime import date, datetime, time
from typing import Any, Final

from dateutil.rrule import rrulestr

LAST_YEAR: Final = 9999
_TOO_OFTEN: Final = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_TOO_FINE: Final = ("BYSECOND", "BYMINUTE")


class NoCalendar(ValueError):
    """The text is no calendar that can be read; the sentence says why."""


def refuse_rules(event: Any) -> None:
    """Raise :class:`NoCalendar` for a rule by which nobody announces a maintenance."""
    for rule in _all(event, "RRULE"):
        often = {str(each).upper() for each in rule.get("FREQ", [""])}
        hours = rule.get("BYHOUR", [])
        if often & _TOO_OFTEN or any(part in rule for part in _TOO_FINE) or len(hours) > 1:
            raise NoCalendar("A maintenance recurs daily at most, not by the hour, the minute or the second.")
        if any(int(each) < 1 for each in rule.get("INTERVAL", [])) or not _occurs(rule, event):
            raise NoCalendar("An event recurs by a rule under which it never does.")


def _occurs(rule: Any, event: Any) -> bool:
    """Whether there is ever an occurrence: for one that there is not (30 February) the library looks until the year 9999, every day.

    It looks from a year near its end, whose days and weekdays are those of the first year.
    """
    start = event.start
    moment = start.replace(tzinfo=None) if isinstance(start, datetime) else datetime.combine(start, time())
    year = next(year for year in range(LAST_YEAR - 55, LAST_YEAR) if _calendar_of(year) == _calendar_of(moment.year))
    told = rule.to_ical().decode()
    endless = ";".join(part for part in told.split(";") if not part.upper().startswith(("COUNT=", "UNTIL=")))
    return next(iter(rrulestr(endless, dtstart=moment.replace(year=year))), None) is not None


def _calendar_of(year: int) -> tuple[int, bool]:
    """What makes two years have the same days: their first weekday, and whether they are leap years."""
    return date(year, 1, 1).weekday(), isleap(year)


def recurs(event: Any) -> bool:
    """Whether an event has more than one occurrence."""
    return "RRULE" in event or "RDATE" in event


def _all(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]
