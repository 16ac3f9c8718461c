"""A rota: plain turns of every day, or layers of people who take turns, and who stands in.

A *turn* is what a rota says ("02:00-10:00, Stefania"); a *shift* is one occurrence of it. A turn belongs to the day on
which it begins. Hand-offs follow the wall clock of the rota's zone, so that a shift in which clocks change is an hour
longer or shorter.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import model_validator

from libs.common.events.base import Slug
from services.oncall.domain.layer import Layer
from services.oncall.domain.noun import Value
from services.oncall.domain.nouns import Owned
from services.oncall.domain.shift import Shift
from services.oncall.domain.walltime import Hours, Zone, hours_of, instant_of

_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=3)
"""No shift of a plain turn lasts longer: a day, and two where a zone's clocks jump over the date line."""


class Turn(Value):
    """One turn of every day. Without a person it is known to be vacant, and the backups stand in."""

    hours: Hours
    person: Slug | None = None
    starts_on: date | None = None
    """The first day on which it begins."""
    ends_on: date | None = None
    """The last day on which it begins."""


class Rota(Owned):
    """Turns or layers or both, the zone whose clocks they follow, and who stands in, in order."""

    zone: Zone = "UTC"
    turns: tuple[Turn, ...] = ()
    layers: tuple[Layer, ...] = ()
    backups: tuple[Slug, ...] = ()
    starts_on: date | None = None
    """The first day on which a plain turn begins. A layer has days of its own."""
    ends_on: date | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> "Rota":
        twice = [layer for layer, times in Counter(layer.id for layer in self.layers).items() if times > 1]
        if twice:
            raise ValueError(f"there is more than one layer with the id {twice[0]!r}")
        return self


def plain_shifts(rota: Rota, start: datetime, end: datetime) -> Iterator[Shift]:
    """Every shift of the rota's plain turns that has an instant in common with ``[start, end)``."""
    if not rota.turns:
        return
    zone = ZoneInfo(rota.zone)
    day = (start - _LONGEST).astimezone(zone).date()
    last = (end + _DAY).astimezone(zone).date()
    while day <= last:
        for number, turn in enumerate(rota.turns):
            if _happens_on(rota, turn, day):
                yield from (shift for shift in _shift(turn, number, day, zone) if shift.touches(start, end))
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
