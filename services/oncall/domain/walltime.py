"""Times of the day on a wall clock, and the instants at which a zone's clocks show them."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

_HOURS: Final = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)\s*[-–]\s*(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$")


def _tidy(value: str) -> str:
    match = _HOURS.match(value.strip())
    if match is None:
        raise ValueError(
            "hours are written as 02:00-10:00: from, hyphen, until, each with two digits for hour and minute"
        )
    begin, end = f"{match[1]}:{match[2]}", f"{match[3] or '00'}:{match[4] or '00'}"
    return f"{begin}-{end}"


@lru_cache(maxsize=1024)
def _read(name: str) -> ZoneInfo:
    # zoneinfo itself keeps eight zones: a house with people in more of them would read files at every page.
    return ZoneInfo(name)


def _zone(value: Any) -> Any:
    if isinstance(value, str):
        try:
            _read(value)
        except (LookupError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Lisbon or UTC") from error
    return value


Hours = Annotated[str, AfterValidator(_tidy)]
"""A span of every day on the wall clock, ``HH:MM-HH:MM``; the end is exclusive. An end that is not after the beginning lies on the next day."""

Zone = Annotated[str, BeforeValidator(_zone)]
"""The name of an IANA time zone."""


def hours_of(hours: Hours) -> tuple[time, time]:
    """The two ends of ``hours``."""
    begin, end = hours.split("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def instant_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks of ``zone`` show ``clock`` on ``day``.

    A time that occurs twice (clocks go back) means its first occurrence. A time that does not occur (clocks go
    forward) means the first minute after the gap. So later clock times never give earlier instants.
    """
    wall = datetime.combine(day, clock)
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    return _after_gap(wall, zone)


def _after_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first whole minute on the wall after the gap that ``wall`` lies in (PEP 495: fold=1 reads it with the later offset)."""
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after + timedelta(seconds=-after.astimezone(zone).second % 60)
