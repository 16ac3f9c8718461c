"""Days of the week, as people write them: ``mo-fr``, ``sa, su``, ``[mo, we]``."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer

NAMES: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
EVERY_DAY: Final = frozenset(range(7))

_FULL: Final = {"monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6}
_HINT: Final = "days are written as mo, tu, we, th, fr, sa, su, singly or as a range such as mo-fr"


def day_number(text: str) -> int:
    """0 for Monday. Raises :class:`ValueError`."""
    word = text.strip().lower()
    for name, number in _FULL.items():
        if word in {name[:2], name[:3], name}:
            return number
    raise ValueError(f"{text!r} is no day of the week; {_HINT}")


def _days(value: Any) -> Any:
    if isinstance(value, str):
        return _days([part for part in value.split(",") if part.strip()])
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
        return value
    found: set[int] = set()
    for part in value:
        first, dash, last = part.partition("-")
        begin = day_number(first)
        length = (day_number(last) - begin) % 7 if dash else 0
        found |= {(begin + step) % 7 for step in range(length + 1)}
    return frozenset(found)


def _written(days: frozenset[int]) -> list[str]:
    return [NAMES[day] for day in sorted(days)]


Weekdays = Annotated[frozenset[int], BeforeValidator(_days), PlainSerializer(_written)]
"""Days of the week, Monday being 0."""
