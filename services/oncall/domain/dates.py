"""Which dates count: years, months, days of the month; ranges as ``1:15`` or ``-7:-1``, where -1 is the last day of a month."""

import calendar
import re
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

Range = tuple[int, int]
"""From and until, both inclusive."""

_RANGE: Final = re.compile(r"^(-?\d{1,4})(?::(-?\d{1,4}))?$")


def _ranges(value: Any) -> Any:
    parts = [value] if isinstance(value, str | int) else value
    if not isinstance(parts, list | tuple):
        return value
    return tuple(_range(part) for part in parts)


def _range(value: Any) -> Range:
    if isinstance(value, list | tuple) and len(value) == 2:
        return int(value[0]), int(value[1])
    match = _RANGE.match(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is no number and no range such as 1:15")
    return int(match[1]), int(match[2] or match[1])


def _written(ranges: tuple[Range, ...]) -> list[str]:
    return [str(first) if first == last else f"{first}:{last}" for first, last in ranges]


def _of_months(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    if any(not 1 <= first <= last <= 12 for first, last in ranges):
        raise ValueError("months are 1 to 12, the first before the last")
    return ranges


def _of_years(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    if any(not 1970 <= first <= last <= 2200 for first, last in ranges):
        raise ValueError("years are 1970 to 2200, the first before the last")
    return ranges


def _of_month_days(ranges: tuple[Range, ...]) -> tuple[Range, ...]:
    for first, last in ranges:
        for day in (first, last):
            if not 1 <= abs(day) <= 31:
                raise ValueError(f"{day} is no day of a month: they are 1 to 31, and -1 to -31 from its end")
        if first < 0 < last < 29 + first:
            raise ValueError(
                f"{first}:{last} has no day in any month; over the end of one, write {first}:-1 and 1:{last}"
            )
        if first > 0 > last and first > 32 + last:
            raise ValueError(f"{first}:{last} has no day in any month")
        if (first > 0) == (last > 0) and first > last:
            raise ValueError(f"{first}:{last} ends before it begins")
    return ranges


_READ: Final = BeforeValidator(_ranges)
_WRITE: Final = PlainSerializer(_written)

Months = Annotated[tuple[Range, ...], _READ, AfterValidator(_of_months), _WRITE]
"""Months of the year."""
Years = Annotated[tuple[Range, ...], _READ, AfterValidator(_of_years), _WRITE]
"""Years."""
MonthDays = Annotated[tuple[Range, ...], _READ, AfterValidator(_of_month_days), _WRITE]
"""Days of the month; negative ones count from its end."""


def within(day: date, years: tuple[Range, ...], months: tuple[Range, ...], month_days: tuple[Range, ...]) -> bool:
    """Whether ``day`` lies in one of each; nothing said means all."""
    return (
        _any(day.year, years)
        and _any(day.month, months)
        and (not month_days or any(_in_month(day, span) for span in month_days))
    )


def _any(number: int, ranges: tuple[Range, ...]) -> bool:
    return not ranges or any(first <= number <= last for first, last in ranges)


def _in_month(day: date, span: Range) -> bool:
    """A range that is wider than the month is cut to it."""
    length = calendar.monthrange(day.year, day.month)[1]
    first, last = (number if number > 0 else length + 1 + number for number in span)
    return first <= day.day <= last
