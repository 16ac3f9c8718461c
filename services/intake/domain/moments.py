"""Instants that people and programs write into mails: dates in words and figures, in several languages, with zones by any name.

What cannot be told is not guessed: ``11/3/2022`` is a date only where the writer's order of day and month is known, or where
one of the two can be no month. A time without a zone is one of the zone that the caller names.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

DateOrder = Literal["MDY", "DMY", ""]
"""Which comes first where a date has slashes; empty: nobody knows."""

MOST: Final = 50
"""Instants that are looked for in one text."""
LOOKED_AT: Final = 20_000
NEAR: Final = timedelta(days=183)
"""How far a date without a year may lie from that of the mail."""

MONTHS: Final[dict[str, int]] = {
    word: number
    for number, words in enumerate(
        (
            "jan january januar januari janvier janv enero ene janeiro gennaio gen",
            "feb february februar februari février fevrier févr fevr febrero fevereiro fev febbraio",
            "mar march märz maerz mär mrz maart mrt mars marzo março marco",
            "apr april avril avr abril abr aprile",
            "may mai mei mayo maio maggio mag",
            "jun june juni juin junio junho giugno giu",
            "jul july juli juillet juil julio julho luglio lug",
            "aug august augustus août aout agosto ago",
            "sep sept september septembre septiembre setembro set settembre",
            "oct october oktober okt octobre octubre outubro out ottobre ott",
            "nov november novembre noviembre novembro",
            "dec december dezember dez décembre decembre déc diciembre dic dezembro dicembre",
        ),
        1,
    )
    for word in words.split()
}

ZONES: Final[dict[str, int]] = {
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0),
    **dict.fromkeys(("BST", "CET", "MEZ", "WEST", "WAT"), 60),
    **dict.fromkeys(("CEST", "MESZ", "EET", "SAST", "CAT"), 120),
    **dict.fromkeys(("EEST", "MSK", "EAT", "TRT"), 180),
    "GST": 240,
    "PKT": 300,
    "IST": 330,
    **dict.fromkeys(("ICT", "WIB"), 420),
    **dict.fromkeys(("SGT", "HKT", "AWST"), 480),
    **dict.fromkeys(("JST", "KST"), 540),
    "AEST": 600,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
    **dict.fromkeys(("BRT", "ART", "ADT"), -180),
    **dict.fromkeys(("AST", "EDT"), -240),
    **dict.fromkeys(("EST", "CDT"), -300),
    **dict.fromkeys(("CST", "MDT"), -360),
    **dict.fromkeys(("MST", "PDT"), -420),
    **dict.fromkeys(("PST", "AKDT"), -480),
    "AKST": -540,
    "HST": -600,
}
"""Minutes east of Greenwich by the usual abbreviations, those of America where a word has two meanings."""

REGIONS: Final[dict[str, str]] = {
    **dict.fromkeys(("ET", "EASTERN"), "America/New_York"),
    **dict.fromkeys(("CT", "CENTRAL"), "America/Chicago"),
    **dict.fromkeys(("MT", "MOUNTAIN"), "America/Denver"),
    **dict.fromkeys(("PT", "PACIFIC"), "America/Los_Angeles"),
}
"""Words that mean standard or summer time, whichever it is."""

_MONTH: Final = "|".join(sorted(MONTHS, key=len, reverse=True))
_ZONE: Final = "|".join(sorted((*ZONES, *REGIONS), key=len, reverse=True))
_TOKEN: Final = re.compile(
    rf"""
    (?P<iso>(?<![\d./-])(?P<iy>\d{{4}})[-/.](?P<im>\d{{1,2}})[-/.](?P<id>\d{{1,2}})(?!\d)T?)
  | (?P<dmy>(?<![\d:])(?P<wd>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[ \t\u00a0-]{{0,3}}(?:of\s|de\s)?(?P<wm>(?i:{_MONTH}))\b\.?
       (?:[, \t\u00a0-]{{1,3}}(?:de\s|del\s)?(?P<wy>\d{{4}})(?![\d:]))?)
  | (?P<mdy>\b(?P<am>(?i:{_MONTH}))\b\.?[ \t\u00a0-]{{1,3}}(?P<ad>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])
       (?:[, \t\u00a0-]{{1,3}}(?P<ay>\d{{4}})(?![\d:]))?)
  | (?P<num>(?<![\d./-])(?P<n1>\d{{1,2}})(?P<sep>[/.-])(?P<n2>\d{{1,2}})(?P=sep)(?P<ny>\d{{4}}|\d{{2}})(?![\d:]))
  | (?P<time>(?<![\d:])(?P<h>\d{{1,2}})(?:[:h](?P<mi>\d{{2}})(?::(?P<s>\d{{2}})(?:[.,]\d+)?)?)?[ \t\u00a0]?
       (?P<ap>[ap]\.?m\b\.?|[AP]\.?M\b\.?)?)
  | (?P<off>(?:(?:UTC|GMT)[ \t]?)?(?P<sign>[+\u2212-])(?P<oh>\d{{1,2}})(?::?(?P<om>\d{{2}}))?(?![\d:.])(?:[ \t]?\(?(?:UTC|GMT)\b\)?)?)
  | (?P<iana>\b(?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific|US)/[A-Z][A-Za-z_/-]{{2,30}})
  | (?P<name>(?:\b|(?<=\d))(?:{_ZONE})\b(?:[ \t](?i:standard[ ]|daylight[ ])?(?i:time)\b)?|(?i:\b(?:eastern|central|mountain|pacific)\b(?:[ ](?:standard[ ]|daylight[ ])?time\b)?))
    """,
    re.VERBOSE,
)
_GAP: Final = re.compile(
    r"[\s,;()\[\]|@.'\u00a0]*(?:at|on|um|uhr|the|à|a\slas|às|alle|ore|le|del|den|hrs?|hours|h)?[\s,;()\[\]|@.:'\u00a0]*",
    re.IGNORECASE,
)
_WEEKDAY: Final = re.compile(r"^[\s,;(]*(?:on\s+)?[^\W\d_]{2,10}[.,]?[\s,]*$")


@dataclass(frozen=True, slots=True)
class Found:
    """An instant, in UTC, and where in the text it stands."""

    at: datetime
    start: int
    end: int
    zoned: bool
    """Whether its zone was told."""


@dataclass(slots=True)
class _Group:
    """The pieces of one instant."""

    start: int
    end: int
    day: date | None = None
    clock: time | None = None
    zone: tzinfo | None = None


def moments(text: str, zone: tzinfo = UTC, order: DateOrder = "", near: datetime | None = None) -> list[Found]:
    """The instants of a text in their order. ``near`` gives the year where a date has none. Never raises."""
    groups = list(_groups(text[:LOOKED_AT], order, near))
    found: list[Found] = []
    last_day: date | None = None
    for number, group in enumerate(groups):
        following = groups[number + 1] if number + 1 < len(groups) else None
        near_by = following if following and following.start - group.end < 25 else None
        told = group.zone or (near_by.zone if near_by else None)
        # "22:00 to 23:30 on 7 March": the day of the second is that of the first
        day = group.day or last_day or (near_by.day if near_by and near_by.clock else None)
        if day is None or group.clock is None:
            last_day = group.day or last_day
            continue
        try:
            at = datetime.combine(day, group.clock, told or zone).astimezone(UTC)
            if group.day is None and found and at <= found[-1].at:
                at += timedelta(days=1)
        except (OverflowError, ValueError):
            continue
        last_day = day
        found.append(Found(at, group.start, group.end, told is not None))
        if len(found) >= MOST:
            break
    return found


def days(text: str, order: DateOrder = "", near: datetime | None = None) -> list[date]:
    """The dates of a text that stand without a time of day."""
    return [group.day for group in _groups(text[:LOOKED_AT], order, near) if group.day and not group.clock]


def moment(text: str, zone: tzinfo = UTC, order: DateOrder = "", near: datetime | None = None) -> datetime | None:
    """The first instant of a text; ``None`` where there is none that can be told."""
    return next((found.at for found in moments(text, zone, order, near)), None)


def _groups(text: str, order: DateOrder, near: datetime | None) -> Iterator[_Group]:
    """Pieces that stand together: at most one date, one time and one zone."""
    group: _Group | None = None
    for match in _TOKEN.finditer(text):
        kind, piece = _piece(match, order, near)
        if piece is None:
            continue
        if group is not None and not _goes_on(group, kind, text[group.end : match.start()]):
            yield group
            group = None
        if group is None:
            if kind == "zone":
                continue
            group = _Group(match.start(), match.end())
        setattr(group, kind, piece)
        group.end = match.end()
    if group is not None:
        yield group


def _goes_on(group: _Group, kind: str, gap: str) -> bool:
    if getattr(group, kind) is not None or len(gap) > 25 or (kind == "zone" and group.clock is None):
        return False
    if _GAP.fullmatch(gap):
        return True
    return (
        kind == "day" and bool(_WEEKDAY.match(gap)) and gap.strip(" ,.(").lower() not in ("to", "bis", "until", "till")
    )


def _piece(match: re.Match[str], order: DateOrder, near: datetime | None) -> tuple[str, date | time | tzinfo | None]:
    got = match.groupdict()
    if got["iso"]:
        return "day", _day(got["iy"], got["im"], got["id"])
    if got["dmy"]:
        return "day", _near(got["wy"], MONTHS[got["wm"].lower()], got["wd"], near)
    if got["mdy"]:
        return "day", _near(got["ay"], MONTHS[got["am"].lower()], got["ad"], near)
    if got["num"]:
        return "day", _numeric(got, order)
    if got["time"]:
        return "clock", _clock(got)
    return "zone", _zone(got)


def _day(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _near(year: str | None, month: int, day: str, near: datetime | None) -> date | None:
    """A date; without a year the one that lies nearest to ``near``."""
    if year:
        return _day(year, month, day)
    if near is None:
        return None
    around = [_day(str(near.year + step), month, day) for step in (-1, 0, 1)]
    known = [one for one in around if one is not None]
    return min(known, key=lambda one: abs(one - near.date()), default=None)


def _numeric(got: dict[str, str], order: DateOrder) -> date | None:
    first, second = int(got["n1"]), int(got["n2"])
    year = got["ny"] if len(got["ny"]) == 4 else f"20{got['ny']}"
    # dots are how the languages write dates that put the day first
    day_first = got["sep"] == "." or order == "DMY"
    if not day_first and order != "MDY" and first <= 12 and second <= 12 and first != second:
        return None
    if first > 12 or (day_first and second <= 12):
        return _day(year, second, str(first))
    return _day(year, first, str(second))


def _clock(got: dict[str, str | None]) -> time | None:
    hour, minute, half = int(got["h"] or 0), got["mi"], (got["ap"] or "")[:1].lower()
    if minute is None and not half:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour % 24 if hour == 24 and minute == "00" else hour, int(minute or 0), int(got["s"] or 0))
    except ValueError:
        return None


def _zone(got: dict[str, str | None]) -> tzinfo | None:
    if got["off"]:
        minutes = int(got["oh"] or 0) * 60 + int(got["om"] or 0)
        if minutes > 14 * 60:
            return None
        return timezone(timedelta(minutes=minutes if got["sign"] == "+" else -minutes))
    if got["iana"]:
        return zone_named(got["iana"].rstrip("/-_"))
    word = (got["name"] or "").split()[0].upper()
    if word in REGIONS:
        return ZoneInfo(REGIONS[word])
    return timezone(timedelta(minutes=ZONES[word])) if word in ZONES else None


def zone_named(name: str) -> ZoneInfo | None:
    """The zone of this name in the IANA's list; ``None`` for what is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def window_of(found: Sequence[Found]) -> tuple[datetime, datetime | None] | None:
    """Beginning and end from the first two instants; without a second, or with one before the first, there is no end."""
    if not found:
        return None
    ends_at = found[1].at if len(found) > 1 and found[1].at > found[0].at else None
    return found[0].at, ends_at
