"""Whose turn it is: a grid of hand-offs on the wall clock.

The grid counts *slots*: hours, days, weeks or months from its start. A turn takes as many slots as its length says. Under a
mask only those hours and days count of which the mask leaves something, so that nobody's turn falls wholly into what is masked.
Weeks and months count as the calendar has them. The grid goes on for ever, both ways.
"""

import calendar
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.oncall.domain.mask import Mask
from services.oncall.domain.spans import Span
from services.oncall.domain.walltime import instant_at

Unit = Literal["hours", "days", "weeks", "months"]

_STEPS: Final = {"hours": timedelta(hours=1), "days": timedelta(days=1), "weeks": timedelta(days=7)}
_PERIODS: Final = {"hours": 168, "days": 7}
"""After how many slots a week has gone by."""


@dataclass(frozen=True)
class Grid:
    """Hand-offs every ``lengths[0]``, then ``lengths[1]``, … units, and from the first again. ``start`` is a wall clock's."""

    unit: Unit
    lengths: tuple[int, ...]
    start: datetime
    zone: ZoneInfo
    mask: Mask = field(default_factory=Mask)
    day: int | None = None
    """The day of the month that hands over, where the month of ``start`` may not have it; else that of ``start``."""
    _counted: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The slots of one period that count."""
    _ends: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """How many slots have gone by at the end of each turn of the cycle."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ends", tuple(accumulate(self.lengths)))
        object.__setattr__(self, "_counted", tuple(self._shown()))

    def _shown(self) -> Iterator[int]:
        period = _PERIODS.get(self.unit)
        if period is None or not self.mask.windows:
            yield 0
            return
        step = _STEPS[self.unit]
        monday = timedelta(
            days=self.start.weekday(), hours=self.start.hour, minutes=self.start.minute, seconds=self.start.second
        )
        for slot in range(period):
            if self.mask.shows(monday + slot * step, monday + (slot + 1) * step):
                yield slot

    @property
    def _period(self) -> int:
        return _PERIODS[self.unit] if self.mask.windows and self.unit in _PERIODS else 1

    def hand_off(self, turn: int) -> datetime:
        """The instant at which turn number ``turn`` begins and the one before it ends."""
        return instant_at(self.wall(turn), self.zone)

    def wall(self, turn: int) -> datetime:
        """What the clocks show at that hand-off, were there no gap in them."""
        cycle, place = divmod(turn, len(self.lengths))
        count = cycle * self._ends[-1] + (self._ends[place - 1] if place else 0)
        period, nth = divmod(count, len(self._counted))
        return self._slot(period * self._period + self._counted[nth])

    def turn_at(self, at: datetime) -> int:
        """The number of the turn that ``at`` lies in; turn 0 begins at the start or with the first slot after it that counts."""
        wall = at.astimezone(self.zone).replace(tzinfo=None)
        turn = self._turn_of(self._slot_of(wall))
        while self.hand_off(turn) > at:
            turn -= 1
        while self.hand_off(turn + 1) <= at:
            turn += 1
        return turn

    def turns(self, start: datetime, end: datetime) -> Iterator[tuple[int, Span]]:
        """Every turn that has an instant in common with ``[start, end)``. One that the clocks jump over has none."""
        turn = self.turn_at(start)
        begin = self.hand_off(turn)
        while begin < end:
            until = self.hand_off(turn + 1)
            if begin < until:
                yield turn, (begin, until)
            turn, begin = turn + 1, until

    def _slot(self, number: int) -> datetime:
        if self.unit == "months":
            return months_later(self.start, number, self.day)
        return self.start + number * _STEPS[self.unit]

    def _slot_of(self, wall: datetime) -> int:
        if self.unit == "months":
            number = (wall.year - self.start.year) * 12 + wall.month - self.start.month
            return number if self._slot(number) <= wall else number - 1
        return (wall - self.start) // _STEPS[self.unit]

    def _turn_of(self, slot: int) -> int:
        period, place = divmod(slot, self._period)
        count = period * len(self._counted) + bisect_right(self._counted, place) - 1
        cycle, rest = divmod(count, self._ends[-1])
        return cycle * len(self.lengths) + bisect_left(self._ends, rest + 1)


def months_later(start: datetime, months: int, day: int | None = None) -> datetime:
    """The same day, or ``day``, and time so many months later; the last of the month where it has no such day."""
    years, month = divmod(start.month - 1 + months, 12)
    year = start.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(day or start.day, last))
