"""Numbers, lists, times and references as a person says them. English, UTC, nothing depends on a locale."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

SMALL: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ABBREVIATIONS: Final = frozenset({"cao", "coo", "cto", "ceo", "pm", "sms", "api", "sap", "sso", "crm", "erp", "rca"})
ROLES: Final[Mapping[str, str]] = {
    "on-shift": "whoever is on shift",
    "service-responsible": "the service's responsible",
    "pm": "the PM",
    "tool-pm": "the tool's PM",
    "maintenance-team": "the maintenance team",
    "tenant-contacts": "the tenant's contacts",
    "client-contacts": "the client's contacts",
    "first": "those who heard of it first",
    "devops": "DevOps",
    "helpdesk": "Helpdesk",
    "head-of-engineering": "the Head of Engineering",
    "cao": "the CAO",
    "coo": "the COO",
    "cto": "the CTO",
}


def number(count: int) -> str:
    """``two``, and from thirteen on ``13``."""
    return SMALL[count] if 0 <= count < len(SMALL) else str(count)


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """``one client``, ``two clients``."""
    return f"{number(count)} {singular if count == 1 else plural or singular + 's'}"


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def capital(text: str) -> str:
    """The text with its first letter large, the rest as it is."""
    return text[:1].upper() + text[1:]


def from_slug(slug: str) -> str:
    """A name for something that the directory does not know: ``data-warehouse`` → ``Data warehouse``, ``sap`` → ``SAP``."""
    words = slug.replace("_", "-").split("-")
    return capital(" ".join(word.upper() if word in ABBREVIATIONS else word for word in words))


def utc_time(at: datetime) -> str:
    """``09:15 UTC``."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def date_text(at: datetime, now: datetime) -> str:
    """``today``, ``yesterday``, ``tomorrow``, ``28 May`` or, in another year, ``28 May 2024``."""
    day, today = at.astimezone(UTC).date(), now.astimezone(UTC).date()
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((day - today).days)
    return near or (f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B} {day.year}")


def moment(at: datetime, now: datetime) -> str:
    """``09:15 UTC`` today, ``09:15 UTC yesterday``, ``28 May, 09:15 UTC``."""
    day = date_text(at, now)
    if day == "today":
        return utc_time(at)
    if day in {"yesterday", "tomorrow"}:
        return f"{utc_time(at)} {day}"
    return f"{day}, {utc_time(at)}"


def stretch(start: datetime, end: datetime | None, now: datetime) -> str:
    """``on 30 May from 02:00 to 04:00 UTC``, ``from 23:00 UTC to 02:00 UTC tomorrow``, ``from 30 May, 02:00 UTC``."""
    if end is None:
        return f"from {moment(start, now)}"
    day = date_text(start, now)
    if date_text(end, now) != day:
        return f"from {moment(start, now)} to {moment(end, now)}"
    when = {"today": "today ", "tomorrow": "tomorrow "}.get(day, f"on {day} ")
    return f"{when}from {start.astimezone(UTC):%H:%M} to {utc_time(end)}"


def times(count: int) -> str:
    """``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def span(length: timedelta) -> str:
    """A length as it is said: ``less than a minute``, ``12 minutes``, ``1 hour 5 minutes``, ``3 days``."""
    minutes = int(abs(length).total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return plural(minutes, "minute")
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return plural(hours, "hour") + (f" {plural(rest, 'minute')}" if rest else "")
    days, hours = divmod(hours, 24)
    return plural(days, "day") + (f" {plural(hours, 'hour')}" if hours and days < 3 else "")


def plural(count: int, noun: str) -> str:
    """``1 minute``, ``12 minutes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def short_span(length: timedelta) -> str:
    """A length for a narrow column: ``45 s``, ``12 min``, ``1 h 5 min``, ``3 d``."""
    seconds = int(abs(length).total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    if hours < 1:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} d"


def relative(at: datetime, now: datetime) -> str:
    """``in 12 minutes``, ``now``, ``12 minutes ago``."""
    away = at - now
    if abs(away) < timedelta(minutes=1):
        return "now"
    return f"in {span(away)}" if away > timedelta(0) else f"{span(away)} ago"


def reference(ref: str, names: Mapping[str, str] | None = None) -> str:
    """Whom a role reference means: ``role:cao`` → ``the CAO``; ``names`` is keyed ``noun:id``."""
    if names and ref in names:
        return names[ref]
    if ref in ROLES:
        return ROLES[ref]
    noun, _, identifier = ref.partition(":")
    if noun == "role" and identifier in ROLES:
        return ROLES[identifier]
    return from_slug(identifier.rpartition("/")[2] or noun)
