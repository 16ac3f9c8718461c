"""A layer of a rota: people who take turns, in a part of the week, from a day until a day."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from libs.common.events.base import Instant, Slug
from services.oncall.domain.mask import Mask, Window
from services.oncall.domain.noun import Value
from services.oncall.domain.shift import Role, Shift
from services.oncall.domain.spans import Span, common
from services.oncall.domain.turns import Grid, Unit, months_later
from services.oncall.domain.walltime import Zone, instant_at, instant_of
from services.oncall.domain.weekdays import NAMES, day_number

_LENGTH: Final = re.compile(r"^(\d{1,4})\s*(hour|day|week|month)s?$")
_WORDS: Final = {"hourly": "1 hour", "daily": "1 day", "weekly": "1 week", "monthly": "1 month"}
_LONGEST: Final = {"hour": 8784, "day": 366, "week": 53, "month": 12}
_CLOCK: Final = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_LASTING: Final = re.compile(r"^\s*(\d{1,4})\s*(minute|hour|day|week)s?\s*$")
_LASTS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
}
_YEAR: Final = timedelta(days=366)
_EVER: Final = Grid("weeks", (1,), datetime(1970, 1, 5), ZoneInfo("UTC"))  # noqa: DTZ001 - a wall clock's
"""Somebody who never hands over has a shift a week, from Monday to Monday."""

Absences = Mapping[str, Sequence[Span]]
"""When each person is away."""


def _lengths(value: Any) -> Any:
    """``1 week``, ``weekly``, or a cycle such as ``[4 days, 3 days]``."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError("turns last as long as `1 week`, `8 hours`, or in a cycle as `[4 days, 3 days]` say")
    found = [_length(part) for part in parts]
    if len({unit for _, unit in found}) > 1:
        raise ValueError("the turns of a cycle are all counted in the same unit: hours, days, weeks or months")
    return tuple(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in found)


def _length(text: str) -> tuple[int, str]:
    match = _LENGTH.match(_WORDS.get(text.strip(), text.strip()))
    if match is None or not 1 <= int(match[1]) <= _LONGEST[match[2]]:
        raise ValueError(
            f"{text!r} is no length; it is a number of hours, days, weeks or months, as `2 weeks`, a year at most"
        )
    return int(match[1]), match[2]


def _lasting(value: Any) -> Any:
    match = _LASTING.match(value) if isinstance(value, str) else None
    if match is not None:
        value = int(match[1]) * _LASTS[match[2]]
    if value is None or (isinstance(value, timedelta) and timedelta(0) < value <= _YEAR):
        return value
    raise ValueError("how long a shift lasts is said as `12 hours`: in minutes, hours, days or weeks, a year at most")


def _group(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _lasting_written(value: timedelta | None) -> str | None:
    if value is None:
        return None
    hours, rest = divmod(value, timedelta(hours=1))
    return f"{value // timedelta(minutes=1)} minutes" if rest else f"{hours} hours"


Lengths = Annotated[tuple[str, ...], BeforeValidator(_lengths)]
"""How long turns last, in a cycle."""


def _once(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value))


Group = Annotated[tuple[Slug, ...], BeforeValidator(_group), Field(min_length=1), AfterValidator(_once)]
"""Who shares a turn; whoever is named twice in it is on shift once."""


class Layer(Value):
    """People who take turns. Without ``every`` the first of them has all of it."""

    id: Slug
    role: Role = "primary"
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """Where somebody is on shift in a layer of a higher priority, this one rests. Layers of the same priority are on shift together."""
    people: Annotated[tuple[Group, ...], Field(min_length=1)]
    first: Annotated[int, Field(ge=0)] = 0
    """Who of ``people`` has the first turn, from 0."""
    zone: Zone | None = None
    """Whose clocks it follows; those of the rota where nothing is said."""
    every: Lengths | None = None
    hand_off: str = "00:00"
    """``09:00``; of weeks also the day, ``mo 09:00``; of months the day of the month, ``1 09:00``."""
    lasts: Annotated[timedelta | None, BeforeValidator(_lasting), PlainSerializer(_lasting_written)] = None
    """How much of a turn somebody is on shift, from its beginning; all of it where nothing is said."""
    only: tuple[Window, ...] = ()
    """The hours of the week that the layer is for; all of them where nothing is said."""
    starts_on: date | None = None
    """The day of the first turn: that of the first of ``people``."""
    ends_on: date | None = None
    """The last day."""
    since: Instant | None = None
    """Cuts off what is earlier; turns before it are used up all the same."""
    until: Instant | None = None
    """Cuts off what is later."""

    @model_validator(mode="after")
    def _fits(self) -> "Layer":
        if self.every and self.starts_on is None:
            raise ValueError(
                "give starts_on, the day on which the first of its people begins, so that turns can be counted"
            )
        if self.every is None and (len(self.people) > 1 or self.lasts):
            raise ValueError("give every, how long a turn lasts, as `1 week`")
        if self.first >= len(self.people):
            raise ValueError("first counts the people from 0, and there are not so many")
        if any(not window.days for window in self.only):
            raise ValueError("a window needs a day of the week")
        self.anchor()
        return self

    @property
    def unit(self) -> Unit:
        """What turns are counted in."""
        units: dict[str, Unit] = {"hour": "hours", "day": "days", "week": "weeks", "month": "months"}
        return units[_length(self.every[0])[1]] if self.every else "weeks"

    def anchor(self) -> tuple[datetime, time]:
        """The wall clock's time from which turns are counted, and the time of day at which it hands over."""
        day, at = self.hand_off_day()
        start = datetime.combine(self.starts_on or date(1970, 1, 5), at)
        if self.unit == "weeks" and day is not None:
            start -= timedelta(days=(start.weekday() - day) % 7)
        if self.unit == "months" and day is not None:
            start = _month_day(start, day)
        return start, at

    def hand_off_day(self) -> tuple[int | None, time]:
        """Weekday or day of the month of a hand-off, where it says one, and its time. Raises :class:`ValueError`."""
        *days, clock = self.hand_off.split() or [""]
        if not _CLOCK.match(clock) or len(days) > 1:
            raise ValueError(
                f"{self.hand_off!r} is no hand-off; write 09:00, `mo 09:00` for weeks, `1 09:00` for months"
            )
        at = time.fromisoformat(clock)
        if not days:
            return None, at
        if self.every and self.unit == "weeks":
            return day_number(days[0]), at
        if self.every and self.unit == "months" and days[0].isdecimal() and 1 <= int(days[0]) <= 31:
            return int(days[0]), at
        raise ValueError(f"{days[0]!r} is no day to hand over on: weeks have one of {', '.join(NAMES)}, months 1 to 31")


def _month_day(start: datetime, day: int) -> datetime:
    """The newest such day of a month that is not after ``start``; the last of a month that has no such day."""
    found = months_later(start, 0, day)
    return found if found <= start else months_later(start, -1, day)


class Plan:
    """A layer in its zone, ready to be asked."""

    def __init__(self, layer: Layer, zone: ZoneInfo, grid: Grid | None = None, mask: Mask | None = None) -> None:
        self.layer = layer
        self._zone = zone
        self._mask = mask or Mask(tuple(window.weekly() for window in layer.only))
        self._grid = grid or self._made()
        self._whole = self._mask.whole
        self._bounds = self._bounded()

    def _made(self) -> Grid:
        start, _ = self.layer.anchor()
        if self.layer.every is None:
            return replace(_EVER, zone=self._zone)
        lengths = tuple(_length(length)[0] for length in self.layer.every)
        mask = Mask() if self._mask.whole else self._mask
        day = self.layer.hand_off_day()[0] if self.layer.unit == "months" else None
        return Grid(self.layer.unit, lengths, start, self._zone, mask, day)

    def _bounded(self) -> Span:
        layer = self.layer
        at = layer.hand_off_day()[1]
        begins = [layer.since or _EARLIEST]
        ends = [layer.until or _LATEST]
        if layer.starts_on:
            begins.append(instant_of(layer.starts_on, at, self._zone))
        if layer.ends_on:
            ends.append(instant_of(layer.ends_on + timedelta(days=1), at, self._zone))
        return max(begins), min(ends)

    def turn_at(self, at: datetime) -> int:
        """The number of the turn at ``at``, whether or not anybody is on shift in it."""
        return self._grid.turn_at(at)

    def group(self, turn: int) -> tuple[str, ...]:
        """Who has this turn."""
        return self.layer.people[(turn + self.layer.first) % len(self.layer.people)]

    def shifts(self, start: datetime, end: datetime, absences: Absences | None = None) -> Iterator[Shift]:
        """The shifts that have an instant in common with ``[start, end)``, whole, by their beginning."""
        start, end = max(start, self._bounds[0]), min(end, self._bounds[1])
        if start >= end:
            return
        spans = None
        for turn, whole in self._grid.turns(start, end):
            if spans is None and not self._whole:
                spans = self._mask.spans(whole[0], max(end, whole[1]) + _BESIDE, self._zone)
            for span in self._present(turn, whole, spans):
                if span[0] < end and span[1] > start:
                    yield from self._manned(turn, span, absences or {})

    def _present(self, turn: int, whole: Span, spans: Sequence[Span] | None) -> list[Span]:
        """The stretches of a turn in which somebody is on shift."""
        begin, end = max(whole[0], self._bounds[0]), min(whole[1], self._bounds[1])
        if self.layer.lasts:
            wall = self._grid.wall(turn) + self.layer.lasts
            end = min(end, instant_at(wall, self._zone))
        if begin >= end:
            return []
        return [(begin, end)] if spans is None else common((begin, end), spans)

    def _manned(self, turn: int, span: Span, absences: Absences) -> Iterator[Shift]:
        layer = self.layer
        group = self.group(turn)
        for person in group:
            shift = Shift(person, span[0], span[1], turn, layer.id, layer.role, layer.priority)
            if person in absences:
                yield from self._covered(shift, group, absences)
            else:
                yield shift

    def _covered(self, shift: Shift, group: Sequence[str], absences: Absences) -> Iterator[Shift]:
        """The shift of somebody who is away for a part of it. The next in order who is there takes their place, unless others share the turn."""
        away = common(shift.span, absences[shift.person or ""])
        yield from shift.outside(away)
        edges = sorted({edge for spans in absences.values() for span in spans for edge in span})
        for piece in away:
            cuts = [piece[0], *(edge for edge in edges if piece[0] < edge < piece[1]), piece[1]]
            for begin, end in pairwise(cuts):
                if any(not common((begin, end), absences.get(other, ())) for other in group if other != shift.person):
                    continue
                stand_in = self._next_present(shift.turn, group, (begin, end), absences)
                yield replace(shift.during((begin, end)), person=stand_in, origin="absence", instead_of=shift.person)

    def _next_present(self, turn: int, group: Sequence[str], span: Span, absences: Absences) -> str | None:
        for later in range(1, len(self.layer.people)):
            for person in self.group(turn + later):
                if person not in group and not common(span, absences.get(person, ())):
                    return person
        return None


_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2300, 1, 1, tzinfo=UTC)
_BESIDE: Final = timedelta(days=1)


@lru_cache(maxsize=1024)
def plan_of(layer: Layer, zone: str) -> Plan:
    """The plan of ``layer`` where clocks show the time of ``zone``; made once, since layers are frozen."""
    return Plan(layer, ZoneInfo(zone))


def without_person(layer: Layer, person: str, zone: str, at: datetime) -> Layer | None:
    """The layer without ``person``; whoever else has the turn at ``at`` keeps it. ``None`` where nobody is left."""
    turn = plan_of(layer, zone).turn_at(at)
    count = len(layer.people)
    present = (turn + layer.first) % count
    left = [tuple(one for one in group if one != person) for group in layer.people]
    kept = [place for place in range(count) if left[place]]
    if not kept:
        return None
    goes_on = next(place % count for place in range(present, present + count) if left[place % count])
    first = (kept.index(goes_on) - turn) % len(kept)
    return layer.model_copy(update={"people": tuple(left[place] for place in kept), "first": first})
