"""Rotations of other tools, as layers: people who take turns of a fixed length, in a part of the week.

Others count turns by the calendar, whether or not anything is left of a turn in that part of the week. Tocsin counts turns of hours
and days on the part that is left (docs/adr/0012). Where that differs, a rotation becomes one layer for each stretch of the week,
whose turns are weeks, which Tocsin counts by the calendar too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.cli.importers.draft import NotCarried

DAY: Final = 1440
WEEK: Final = 7 * DAY
DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
_LONGEST: Final = {"hour": 8784, "day": 366, "week": 53}

Stretch = tuple[int, int]
"""A stretch of the week in minutes: from Monday's midnight, and how long."""


@dataclass(frozen=True)
class Rotation:
    """A rotation as other tools have it. ``start`` is when the first of ``people`` began; without ``mask`` it is all week."""

    name: str
    people: Sequence[Sequence[str]]
    start: datetime
    length: timedelta
    zone: str
    mask: Sequence[Stretch] = ()
    since: datetime | None = None
    until: datetime | None = None
    priority: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def wall(self) -> datetime:
        """What the zone's clocks showed at the start."""
        return self.start.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)


def layers(rotation: Rotation, layer_id: str) -> list[dict[str, Any]]:
    """The layers. Raises :class:`NotCarried`."""
    if not rotation.people or any(not group for group in rotation.people):
        raise NotCarried("somebody of it is not known, or nobody has the turn")
    minutes = rotation.length // timedelta(minutes=1)
    if rotation.length <= timedelta(0) or rotation.length % timedelta(minutes=1) or rotation.wall.second:
        raise NotCarried("its turns begin or end between minutes")
    if len(rotation.people) == 1:
        return [_layer(rotation, layer_id, rotation.people, rotation.mask)]
    if minutes % 60:
        raise NotCarried("its turns are no whole hours")
    if minutes % WEEK == 0 or not rotation.mask or _every_slot(rotation, minutes):
        return [_counted(rotation, layer_id, minutes)]
    return _apart(rotation, layer_id, minutes)


def windows(mask: Sequence[Stretch]) -> list[dict[str, Any]]:
    """The stretches as Tocsin writes them: hours of days."""
    by_hours: dict[tuple[int, int], set[int]] = {}
    for begin, lasts in mask:
        for day, first, last in _by_day(begin, lasts):
            by_hours.setdefault((first, last), set()).add(day)
    return [
        {"days": [DAYS[day] for day in sorted(days)], "hours": f"{_clock(first)}-{_clock(last % DAY)}"}
        for (first, last), days in sorted(by_hours.items(), key=lambda one: (min(one[1]), one[0]))
    ]


def instant(moment: datetime | None) -> str | None:
    """An instant as the tree writes it."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _every_slot(rotation: Rotation, minutes: int) -> bool:
    """Whether a mask leaves something of every slot, so that both ways of counting are the same."""
    slot = DAY if minutes % DAY == 0 else 60
    first = _minute_of_week(rotation.wall) % slot
    return all(_cut(rotation.mask, begin, slot) for begin in range(first, first + WEEK, slot))


def _counted(rotation: Rotation, layer_id: str, minutes: int) -> dict[str, Any]:
    wall = rotation.wall
    unit = next(name for name, size in (("week", WEEK), ("day", DAY), ("hour", 60)) if minutes % size == 0)
    number = minutes // {"week": WEEK, "day": DAY, "hour": 60}[unit]
    if number > _LONGEST[unit]:
        raise NotCarried("its turns are longer than a year")
    clock = _clock(wall.hour * 60 + wall.minute)
    turns = {
        "every": f"{number} {unit}{'' if number == 1 else 's'}",
        "hand_off": f"{DAYS[wall.weekday()]} {clock}" if unit == "week" else clock,
        "starts_on": str(wall.date()),
    }
    return _layer(rotation, layer_id, rotation.people, rotation.mask, turns)


def _apart(rotation: Rotation, layer_id: str, minutes: int) -> list[dict[str, Any]]:
    """A layer for each slot of the week of which the mask leaves something; its turns are weeks."""
    slot = minutes if DAY % minutes == 0 else DAY
    if minutes % slot:
        raise NotCarried(
            "its turns are neither whole days nor a whole part of a day, and it is not for all of the week"
        )
    slots, lasting, people = WEEK // slot, minutes // slot, rotation.people
    period = lasting * len(people) // gcd(slots, lasting * len(people))
    found: list[dict[str, Any]] = []
    for number in range(slots):
        begins = rotation.wall + timedelta(minutes=number * slot)
        left = _cut(rotation.mask, _minute_of_week(begins), slot)
        if not left:
            continue
        order = [people[(number + slots * week) // lasting % len(people)] for week in range(period)]
        turns = {
            "every": "1 week",
            "hand_off": f"{DAYS[begins.weekday()]} {_clock(begins.hour * 60 + begins.minute)}",
            "starts_on": str(begins.date()),
        }
        found.append(_layer(rotation, f"{layer_id}-{len(found) + 1}", order, left, turns))
    return found


def _layer(
    rotation: Rotation,
    layer_id: str,
    people: Sequence[Sequence[str]],
    mask: Sequence[Stretch],
    turns: dict[str, Any] | None = None,
) -> dict[str, Any]:
    said = {
        "id": layer_id,
        "priority": rotation.priority,
        "people": [group[0] if len(group) == 1 else list(group) for group in people],
        **(turns or {}),
        **rotation.extra,
        "only": windows(mask),
        "since": instant(rotation.since),
        "until": instant(rotation.until),
    }
    return {key: value for key, value in said.items() if value not in (None, [], 0)}


def _by_day(begin: int, lasts: int) -> list[tuple[int, int, int]]:
    """The stretch day by day: the weekday, and from which to which minute of it."""
    found, ahead, at = [], min(lasts, WEEK), begin % WEEK
    while ahead > 0:
        first = at % DAY
        piece = min(DAY - first, ahead)
        found.append((at // DAY, first, first + piece))
        at, ahead = (at + piece) % WEEK, ahead - piece
    return found


def _cut(mask: Sequence[Stretch], begin: int, lasts: int) -> list[Stretch]:
    """What of the mask lies in a stretch of the week."""
    found = []
    for first, long in mask:
        for beside in (-WEEK, 0, WEEK, 2 * WEEK):
            start, end = max(first + beside, begin), min(first + beside + long, begin + lasts)
            if start < end:
                found.append((start % WEEK, end - start))
    return found


def _minute_of_week(wall: datetime) -> int:
    return wall.weekday() * DAY + wall.hour * 60 + wall.minute


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
