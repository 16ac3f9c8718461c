"""Who is on shift: turns on a wall clock, laid out over days as shifts between instants.

A *turn* is what a rota says ("02:00-10:00, Stefania"); a *shift* is one occurrence of it. A turn belongs to the day on
which it begins. Hand-offs follow the wall clock of the rota's zone, so that a shift in which clocks change is an hour
longer or shorter. Whatever else a turn may depend on (weekdays, weeks in rotation) belongs into :func:`_happens_on`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from libs.common.events.base import Slug
from services.oncall.domain.noun import Noun, Value
from services.oncall.domain.walltime import Hours, Zone, hours_of, instant_of

_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=3)
"""No shift lasts longer: a day, and two where a zone's clocks jump over the date line."""
_HORIZON: Final = timedelta(days=400)
"""How far ahead the next shift is looked for."""


class Turn(Value):
    """One turn of every day. Without a person it is known to be vacant, and the backups stand in."""

    hours: Hours
    person: Slug | None = None
    starts_on: date | None = None
    """The first day on which it begins."""
    ends_on: date | None = None
    """The last day on which it begins."""


class Rota(Noun):
    """Turns, the zone whose clocks they follow, and who stands in, in order."""

    zone: Zone = "UTC"
    turns: tuple[Turn, ...]
    backups: tuple[Slug, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True)
class Shift:
    """One occurrence of a turn: from ``starts_at`` until, exclusively, ``ends_at``."""

    person: Slug | None
    starts_at: datetime
    ends_at: datetime
    turn: int
    """Which turn of the rota, from 0."""

    def covers(self, at: datetime) -> bool:
        """Whether ``at`` lies in it."""
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True)
class OnCall:
    """Who is on shift at one instant, in the order of the rota's turns, and who comes next."""

    now: tuple[Shift, ...]
    next: Shift | None


def shifts(rota: Rota, start: datetime, end: datetime) -> tuple[Shift, ...]:
    """The shifts that have an instant in common with ``[start, end)``, whole, by their beginning."""
    found = (shift for shift in _laid_out(rota, start, end) if shift.starts_at < end and shift.ends_at > start)
    return tuple(sorted(found, key=lambda shift: (shift.starts_at, shift.turn)))


def on_shift(rota: Rota, at: datetime) -> tuple[Shift, ...]:
    """The shifts that cover ``at``, in the order of the rota's turns; more than one where turns overlap."""
    found = (shift for shift in _laid_out(rota, at, at) if shift.covers(at))
    return tuple(sorted(found, key=lambda shift: (shift.turn, shift.starts_at)))


def on_call(rota: Rota, at: datetime) -> OnCall:
    """Who is on shift at ``at``, and the shift that begins next."""
    return OnCall(on_shift(rota, at), _next(rota, at))


def _next(rota: Rota, at: datetime) -> Shift | None:
    """The shift that begins first after ``at``; looked for near, then as far as the horizon."""
    for far in (_LONGEST, _HORIZON):
        found = [shift for shift in shifts(rota, at, at + far) if shift.starts_at > at]
        if found:
            return found[0]
    return None


def _laid_out(rota: Rota, start: datetime, end: datetime) -> Iterator[Shift]:
    """Every shift that may touch the range, and a few beside it."""
    zone = ZoneInfo(rota.zone)
    day = (start - _LONGEST).astimezone(zone).date()
    last = (end + _DAY).astimezone(zone).date()
    while day <= last:
        for number, turn in enumerate(rota.turns):
            if _happens_on(rota, turn, day):
                yield from _shift(turn, number, day, zone)
        day += _DAY


def _shift(turn: Turn, number: int, day: date, zone: ZoneInfo) -> Iterator[Shift]:
    """The turn on this day; nothing where the clocks jump over the whole of it."""
    begin, end = hours_of(turn.hours)
    starts_at = instant_of(day, begin, zone)
    ends_at = instant_of(day if end > begin else day + _DAY, end, zone)
    if starts_at < ends_at:
        yield Shift(turn.person, starts_at.astimezone(UTC), ends_at.astimezone(UTC), number)


def _happens_on(rota: Rota, turn: Turn, day: date) -> bool:
    """Whether the turn begins on this day of the rota's calendar."""
    return _within(rota.starts_on, day, rota.ends_on) and _within(turn.starts_on, day, turn.ends_on)


def _within(first: date | None, day: date, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)
