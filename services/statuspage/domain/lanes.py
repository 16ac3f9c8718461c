"""A timeline of shifts as lanes: one for each layer, for each role of the schedule that counts, and for each person.

Pure geometry: where in a stretch of days each shift lies, as percentages, and what is said of it. Positions are instants, so that a
day on which clocks change is an hour narrower or wider than its neighbours.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.statuspage.domain import words

Weeks = Literal[1, 4]
Tone = Literal["person", "nobody", "doubt"]

TONES: Final = 8
"""People are told apart by so many colours, beside their names."""

ROLES: Final = ("primary", "secondary", "manager", "shadow")
NAMED_FROM: Final = 4.0
"""A name is written into a bar that is so many percent wide."""

WHY: Final = {
    "calendar": "from a calendar",
    "absence": "since somebody is away",
    "swap": "by a swap",
    "override": "by an override",
    "span": "in a temporary span",
}
"""Why somebody has a shift whose turn it is not."""


@dataclass(frozen=True)
class Slot:
    """Somebody's shift, or nobody's."""

    person: str | None
    name: str
    since: datetime
    until: datetime
    role: str = "primary"
    layer: str = ""
    origin: str = "turn"
    instead_of: str = ""
    cause: str = ""
    """The id of the change by which they have it."""

    @property
    def why(self) -> str:
        """Why they, where it is not simply their turn."""
        place = f"in place of {self.instead_of}" if self.instead_of else ""
        return " ".join(part for part in (place, WHY.get(self.origin, "")) if part)


@dataclass(frozen=True)
class Doubt:
    """Something that will leave somebody unreached, from when until when."""

    subject: str
    """Whom or what it concerns, as a person says it."""
    since: datetime
    until: datetime
    text: str
    suggestion: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar of a lane, in percent of its width."""

    x: float
    width: float
    text: str
    """What is written into it; empty where there is no room."""
    title: str
    tone: Tone
    colour: int = 0
    slot: Slot | None = None


@dataclass(frozen=True)
class Lane:
    """Bars beside each other, in as many rows as overlap."""

    name: str
    note: str
    rows: tuple[tuple[Bar, ...], ...]


@dataclass(frozen=True)
class Day:
    """One day of the axis."""

    x: float
    width: float
    text: str
    beside: str
    """When it begins in UTC, where the zone is another; over four weeks only of a Monday, with its month."""
    weekend: bool
    today: bool


@dataclass(frozen=True)
class Stretch:
    """Whole days of a zone, from a Monday on."""

    first: date
    weeks: Weeks
    zone: ZoneInfo
    start: datetime = field(init=False)
    end: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", self._begins(self.first))
        object.__setattr__(self, "end", self._begins(self.first + timedelta(weeks=self.weeks)))

    @property
    def before(self) -> date:
        """Where the stretch before it begins."""
        return self.first - timedelta(weeks=self.weeks)

    @property
    def after(self) -> date:
        """Where the next one begins."""
        return self.first + timedelta(weeks=self.weeks)

    def place(self, at: datetime) -> float:
        """Where an instant lies, in percent; what lies outside is at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def days(self, now: datetime) -> list[Day]:
        """The axis."""
        today = now.astimezone(self.zone).date()
        found = []
        for number in range(7 * self.weeks):
            day = self.first + timedelta(days=number)
            begins = self._begins(day)
            x = self.place(begins)
            text = f"{day:%a} {day.day} {day:%b}" if self.weeks == 1 else f"{day.day}"
            same = begins.time() == time() and begins.date() == day
            told = ["" if self.weeks == 1 else f"{day:%B}", "" if same else f"{begins:%H:%M} UTC"]
            beside = ", ".join(part for part in told if part) if self.weeks == 1 or number % 7 == 0 else ""
            width = round(self.place(self._begins(day + timedelta(days=1))) - x, 3)
            found.append(Day(x, width, text, beside, day.weekday() >= 5, day == today))
        return found

    def _begins(self, day: date) -> datetime:
        """The first instant of a day; UTC, since two times of one zone would be subtracted by the wall clock."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def stretch(day: date | None, weeks: Weeks, zone: ZoneInfo, now: datetime) -> Stretch:
    """The week, or the four, from the Monday at or before ``day`` on, or before today."""
    chosen = day or now.astimezone(zone).date()
    return Stretch(chosen - timedelta(days=chosen.weekday()), weeks, zone)


def zone_of(*names: str) -> ZoneInfo:
    """The first of ``names`` that is a zone, else UTC."""
    for name in names:
        if name.isascii() and name and len(name) < 64 and not name.startswith(("/", ".")) and ".." not in name:
            try:
                return ZoneInfo(name)
            except (ValueError, OSError, KeyError):
                continue
    return ZoneInfo("UTC")


Colours = Mapping[str, int]


def colours(slots: Iterable[Slot]) -> Colours:
    """A colour for each person, the same in every lane."""
    everybody = sorted({slot.person for slot in slots if slot.person})
    return {person: number % TONES for number, person in enumerate(everybody)}


def layers(slots: Sequence[Slot], across: Stretch, hues: Colours) -> list[Lane]:
    """A lane for each layer, in their order, before higher ones hide it."""
    return _lanes(slots, lambda slot: (words.from_slug(slot.layer), _role(slot)), lambda slot: _bar(slot, across, hues))


def final(
    slots: Sequence[Slot], gaps: Sequence[tuple[datetime, datetime, str]], across: Stretch, hues: Colours
) -> list[Lane]:
    """The schedule that counts: a lane for each role; a gap of primaries, with who could take it, is a bar of nobody."""
    ordered = sorted(slots, key=lambda slot: ROLES.index(slot.role) if slot.role in ROLES else len(ROLES))
    found: dict[str, list[Bar]] = {"primary": [_gap(gap, across) for gap in gaps]}
    for slot in ordered:
        found.setdefault(slot.role, []).append(_bar(slot, across, hues))
    return [Lane(role.capitalize(), "", _rows(bars)) for role, bars in found.items() if bars]


def people(slots: Sequence[Slot], across: Stretch, hues: Colours) -> list[Lane]:
    """A lane for each person of the schedule that counts, by name; its bars say when they begin, or as what."""

    def bar(slot: Slot) -> Bar:
        text = _role(slot).capitalize() or f"{slot.since.astimezone(across.zone):%H:%M}"
        return _bar(slot, across, hues, text)

    named = sorted((slot for slot in slots if slot.person), key=lambda slot: slot.name)
    return _lanes(named, lambda slot: (slot.name, ""), bar)


def doubts(found: Sequence[Doubt], across: Stretch) -> list[Lane]:
    """A lane for each subject of which somebody cannot be reached."""
    by_subject: dict[str, list[Bar]] = {}
    for one in found:
        if one.since < across.end and one.until > across.start:
            bar = _made(
                one.since,
                one.until,
                across,
                one.text,
                f"{one.text}: {spoken(one.since, one.until, across.zone)}",
                "doubt",
            )
            by_subject.setdefault(one.subject, []).append(bar)
    return [Lane(words.capital(subject), "", _rows(bars)) for subject, bars in by_subject.items()]


def spoken(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    """``Mon 2 Mar 10:00 to 18:00 UTC``; in another zone with the same in UTC behind it, unless its clocks show that."""
    told = _between(since.astimezone(zone), until.astimezone(zone))
    plain = _between(since.astimezone(UTC), until.astimezone(UTC))
    return f"{told} UTC" if told == plain else f"{told} ({plain} UTC)"


def _between(since: datetime, until: datetime) -> str:
    start = f"{since:%a} {since.day} {since:%b %H:%M}"
    if since.date() == until.date():
        return f"{start} to {until:%H:%M}"
    return f"{start} to {until:%a} {until.day} {until:%b %H:%M}"


def _lanes(slots: Iterable[Slot], named: Callable[[Slot], tuple[str, str]], drawn: Callable[[Slot], Bar]) -> list[Lane]:
    found: dict[tuple[str, str], list[Bar]] = {}
    for slot in slots:
        found.setdefault(named(slot), []).append(drawn(slot))
    return [Lane(name, note, _rows(bars)) for (name, note), bars in found.items()]


def _role(slot: Slot) -> str:
    return "" if slot.role == "primary" else slot.role


def _bar(slot: Slot, across: Stretch, hues: Colours, text: str = "") -> Bar:
    name = slot.name or "Nobody"
    title = ", ".join(part for part in (name, spoken(slot.since, slot.until, across.zone), slot.role, slot.why) if part)
    tone: Tone = "person" if slot.person else "nobody"
    return _made(slot.since, slot.until, across, text or name, title, tone, hues.get(slot.person or "", 0), slot)


def _gap(gap: tuple[datetime, datetime, str], across: Stretch) -> Bar:
    since, until, suggestion = gap
    could = f"; {suggestion} could take it" if suggestion else ""
    title = f"Nobody is on shift: {spoken(since, until, across.zone)}{could}"
    slot = Slot(None, "", since, until)
    return _made(since, until, across, "Nobody", title, "nobody", slot=slot)


def _made(
    since: datetime,
    until: datetime,
    across: Stretch,
    text: str,
    title: str,
    tone: Tone,
    colour: int = 0,
    slot: Slot | None = None,
) -> Bar:
    x = across.place(since)
    width = round(across.place(until) - x, 3)
    return Bar(x, width, text if width >= NAMED_FROM else "", title, tone, colour, slot)


def _rows(bars: Sequence[Bar]) -> tuple[tuple[Bar, ...], ...]:
    """The bars in as few rows as let none hide another."""
    rows: list[list[Bar]] = []
    for bar in sorted(bars, key=lambda one: (one.x, -one.width)):
        row = next((row for row in rows if row[-1].x + row[-1].width <= bar.x + 0.001), None)
        if row is None:
            rows.append([bar])
        else:
            row.append(bar)
    return tuple(tuple(row) for row in rows)
