"""Rules by which events recur (RFC 5545, 3.3.10): those by which nobody announces a maintenance are refused before they are followed."""

from typing import Any, Final

from libs.common.icalendars import occurs

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
        if any(int(each) < 1 for each in rule.get("INTERVAL", [])) or not occurs(rule, event.start):
            raise NoCalendar("An event recurs by a rule under which it never does.")


def recurs(event: Any) -> bool:
    """Whether an event has more than one occurrence."""
    return "RRULE" in event or "RDATE" in event


def _all(event: Any, name: str) -> list[Any]:
    found = event.get(name, [])
    return found if isinstance(found, list) else [found]
