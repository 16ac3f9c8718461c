"""Durations as people write them: ``30s``, ``5m``, ``1h``, ``2d``."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_DURATION = re.compile(r"^(\d{1,9})(s|m|h|d)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration_of(value: Any) -> Any:
    """``30s``, ``5m``, ``1h``, ``2d`` as a duration; ISO 8601 (``PT5M``) is left to pydantic. Raises :class:`ValueError`."""
    if isinstance(value, str) and (match := _DURATION.match(value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, int | float) and value != 0:
        raise ValueError("a duration needs its unit: 30s, 5m, 1h or 2d")
    return value


def text_of(length: timedelta) -> str:
    """A duration in the largest unit that it is whole in: ``90s``, ``5m``, ``2d``."""
    seconds = int(length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[
    timedelta, BeforeValidator(duration_of), Field(ge=timedelta(0), le=timedelta(days=366), examples=["5m"])
]
"""A duration: ``30s``, ``5m``, ``1h``, ``2d``; at most 366 days."""
