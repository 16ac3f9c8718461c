"""How a case words what it says: lengths, units, days, hours. Sources differ, and every one of them means the same."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from services.oncall.domain.turns import Unit
from tests.cases.case import NotYet

_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LENGTHS: Final = ("shift_duration", "duration", "shift_lasts", "lasts")
_CLOCK: Final = re.compile(r"^(\d+):([0-5]\d)(?::([0-5]\d))?$")
_ISO: Final = re.compile(r"^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
_SPOKEN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)\b")
_UNITS: Final[Mapping[str, Unit]] = {"hour": "hours", "dai": "days", "day": "days", "week": "weeks", "month": "months"}
_COUNTED: Final = re.compile(r"^\s*(\d+)\s*([a-z]+)\s*$")
_REPEATS: Final = ("unit", "repeat", "frequency", "recurrence")
_ONCE: Final = frozenset({None, "none", "once", "never", "single"})
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def length(value: Any, unit: str = "s") -> timedelta:
    """A number of ``unit``s, ``08:00``, ``PT8H``, or ``8 hours``."""
    if isinstance(value, int | float):
        return timedelta(seconds=value * _SECONDS[unit])
    text = str(value).strip()
    clock, iso = _CLOCK.match(text), _ISO.match(text)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if iso and any(iso.groups()):
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    spoken = _SPOKEN.findall(text.lower())
    if not spoken:
        raise NotYet(f"a length of {value!r}")
    return timedelta(seconds=sum(float(number) * _SECONDS[word[0]] for number, word in spoken))


def duration_of(said: Mapping[str, Any]) -> timedelta | None:
    """How long a shift lasts, where the case says so: ``duration_s``, ``shift_duration_hours``, ``duration: 8h``."""
    for name, value in said.items():
        for stem in _LENGTHS:
            if name == stem and value is not None:
                return length(value)
            if name.startswith(f"{stem}_") and value is not None:
                return length(value, name.removeprefix(f"{stem}_")[0])
    return None


def is_single(said: Mapping[str, Any]) -> bool:
    """Whether it happens once: nothing says how it repeats, and it has an end of its own."""
    words = [said[name] for name in _REPEATS if name in said]
    if words:
        return all(word in _ONCE for word in words)
    return "end" in said or (duration_of(said) is not None and "user" in said and "participants" not in said)


def turns_of(said: Mapping[str, Any]) -> tuple[int, Unit]:
    """How many of which unit a turn takes. ``3 days`` says both."""
    word = next((said[name] for name in _REPEATS if said.get(name)), "")
    number: Any = next((said[name] for name in ("shift_length", "interval", "every") if said.get(name)), 1)
    counted = _COUNTED.match(number.lower()) if isinstance(number, str) else None
    if counted:
        number, word = counted[1], counted[2]
    unit = next((found for stem, found in _UNITS.items() if str(word).lower().startswith(stem)), None)
    if unit is None and word:
        raise NotYet(f"turns that are counted in {word!r}")
    return int(number), unit or "days"


def days_of(days: Sequence[str] | str | None) -> list[str]:
    """Days of the week, singly or from one to another, in any case and length; every day where nothing is said."""
    if days is None:
        return ["mo-su"]
    listed = [days] if isinstance(days, str) else days
    return ["-".join(part.strip()[:2].lower() for part in re.split(r"[:-]", day)) for day in listed]


def months_of(months: Sequence[Any]) -> list[Any]:
    """Months by number or by name, singly or from one to another."""
    return [_MONTH_NAME.sub(lambda name: str(_MONTHS.index(name[0][:3].lower()) + 1), str(one)) for one in months]


_MONTH_NAME: Final = re.compile("[A-Za-z]{3,}")


def hours_of(hours: Any) -> str:
    """``09:00-17:00``, also where begin and end are said apart."""
    if not isinstance(hours, Mapping):
        return str(hours)
    begin = hours.get("start") or hours.get("start_time") or hours.get("from")
    end = hours.get("end") or hours.get("end_time") or hours.get("to")
    return f"{begin}-{end}"
