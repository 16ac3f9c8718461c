"""Which part of the week counts: windows of the wall clock, such as Monday to Friday from 09:00 to 17:00.

A window belongs to the day on which it begins, whatever day it ends on. Windows that touch are one, unless they keep to dates.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.oncall.domain.dates import MonthDays, Months, Range, Years, within
from services.oncall.domain.noun import Value
from services.oncall.domain.spans import Span, joined
from services.oncall.domain.walltime import Hours, hours_of, instant_at, instant_of
from services.oncall.domain.weekdays import EVERY_DAY, Weekdays

_MIDNIGHT: Final = time()
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_MARGIN: Final = 9
"""Days that are laid out beside a range: windows that touch end within a week, or the mask leaves nothing out."""


class Window(Value):
    """Hours of some days, as the configuration writes them."""

    days: Weekdays = EVERY_DAY
    hours: Hours = "00:00-00:00"
    month_days: MonthDays = ()
    months: Months = ()
    years: Years = ()

    def weekly(self) -> "Weekly":
        """The same, to reckon with."""
        begin, end = (timedelta(hours=clock.hour, minutes=clock.minute) for clock in hours_of(self.hours))
        lasts = end - begin if end > begin else end - begin + _DAY
        return Weekly(self.days, begin, lasts, self.years, self.months, self.month_days)


@dataclass(frozen=True)
class Weekly:
    """A span of the wall clock that begins ``at`` on each of ``days``, and lasts a week at most."""

    days: frozenset[int]
    at: timedelta
    lasts: timedelta
    years: tuple[Range, ...] = ()
    months: tuple[Range, ...] = ()
    month_days: tuple[Range, ...] = ()

    @property
    def dated(self) -> bool:
        """Whether it keeps to some dates, so that weeks differ."""
        return bool(self.years or self.months or self.month_days)

    def begins_on(self, day: date) -> bool:
        """Whether it begins on this day."""
        if day.weekday() not in self.days:
            return False
        return not self.dated or within(day, self.years, self.months, self.month_days)


@dataclass(frozen=True)
class Mask:
    """The union of its windows; without any, all of the time."""

    windows: tuple[Weekly, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        if not self.windows:
            return True
        covered = joined(self._wall_week(window for window in self.windows if not window.dated))
        return bool(covered) and covered[0][0] <= timedelta(0) and covered[0][1] >= _WEEK

    def shows(self, begin: timedelta, end: timedelta) -> bool:
        """Whether anything of ``[begin, end)`` is in it; both count from a Monday's midnight, on the wall."""
        if not self.windows:
            return True
        week = begin // _WEEK * _WEEK
        return any(
            first + beside < end - week and last + beside > begin - week
            for first, last in self._wall_week(self.windows)
            for beside in (timedelta(0), _WEEK)
        )

    def spans(self, start: datetime, end: datetime, zone: ZoneInfo) -> list[Span]:
        """The stretches that have an instant in common with ``[start, end)``, whole, in UTC, in order.

        Not for a mask that leaves nothing out: its stretch has no ends.
        """
        laid = self._laid_out(start, end, zone)
        found = _apart(sorted(laid)) if any(window.dated for window in self.windows) else joined(laid)
        return [span for span in found if span[0] < end and span[1] > start]

    @staticmethod
    def _wall_week(windows: Iterable[Weekly]) -> list[tuple[timedelta, timedelta]]:
        """The windows as begin and end from Monday's midnight, those that cross Sunday's midnight also from its other side."""
        found = [
            (day * _DAY + window.at, day * _DAY + window.at + window.lasts) for window in windows for day in window.days
        ]
        return sorted([*found, *((begin - _WEEK, end - _WEEK) for begin, end in found if end > _WEEK)])

    def _laid_out(self, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Span]:
        day = (start - _MARGIN * _DAY).astimezone(zone).date()
        last = (end + _MARGIN * _DAY).astimezone(zone).date()
        while day <= last:
            for window in self.windows:
                if window.begins_on(day):
                    begin = datetime.combine(day, _MIDNIGHT) + window.at
                    span = instant_at(begin, zone), instant_at(begin + window.lasts, zone)
                    if span[0] < span[1]:
                        yield span
            day += _DAY


def _apart(laid: Sequence[Span]) -> list[Span]:
    """Windows that keep to dates stay one a day: joined, they might go on for a year. Where two overlap, the later begins later."""
    found: list[Span] = []
    for begin, end in laid:
        begins_at = max(begin, found[-1][1]) if found else begin
        if begins_at < end:
            found.append((begins_at, end))
    return found


def window_at(mask: Mask, at: datetime, zone: ZoneInfo) -> Span | None:
    """The stretch of ``mask`` that covers ``at``, else the next one; ``None`` where it has none."""
    found = [span for span in mask.spans(at, at + 2 * _WEEK, zone) if span[1] > at]
    return found[0] if found else None


def next_time_of_day(days: frozenset[int], at: time, after: datetime, zone: ZoneInfo) -> datetime | None:
    """When the clocks show ``at`` on one of ``days`` next, strictly after ``after``."""
    day = after.astimezone(zone).date() - _DAY
    for _ in range(_MARGIN):
        instant = instant_of(day, at, zone)
        if day.weekday() in days and instant > after:
            return instant.astimezone(UTC)
        day += _DAY
    return None
