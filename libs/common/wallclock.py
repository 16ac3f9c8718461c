"""Times of the day on a wall clock, and zones, as people write them in configuration."""

import re
from datetime import time
from functools import lru_cache
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator

from libs.common.rules import meant

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
def zone_of(name: str) -> ZoneInfo:
    """The zone of this name. Raises :class:`LookupError`, :class:`ValueError` or :class:`OSError`."""
    # zoneinfo itself keeps eight zones: a house with people in more of them would read files at every page.
    return ZoneInfo(name)


def _zone(value: Any) -> Any:
    if isinstance(value, str):
        try:
            zone_of(value)
        except (LookupError, ValueError, OSError) as error:
            hint = meant(value, available_timezones()) or ", such as Europe/Lisbon or UTC"
            raise ValueError(f"{value!r} is no IANA time zone{hint}") from error
    return value


Hours = Annotated[str, AfterValidator(_tidy)]
"""A span of every day on the wall clock, ``HH:MM-HH:MM``; the end is exclusive. An end that is not after the beginning lies on the next day."""

Zone = Annotated[str, BeforeValidator(_zone)]
"""The name of an IANA time zone."""


def hours_of(hours: Hours) -> tuple[time, time]:
    """The two ends of ``hours``."""
    begin, end = hours.split("-")
    return time.fromisoformat(begin), time.fromisoformat(end)
