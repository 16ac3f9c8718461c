"""Changes of a rota as a form says them, as oncall takes them, and as a person reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from services.statuspage.domain.lanes import spoken
from services.statuspage.domain.words import listed

Kind = Literal["override", "absence", "swap", "span"]

TITLES: Final[Mapping[Kind, str]] = {
    "override": "Change who is on shift",
    "absence": "Say that somebody is away",
    "swap": "Offer a swap",
    "span": "Replace everything for a while",
}
CHANGED: Final[Mapping[Kind, str]] = {
    "override": "Change an override",
    "absence": "Change an absence",
    "span": "Change a temporary span",
}
"""What can be changed after it was made; a swap is answered or withdrawn."""
EFFECTS: Final[Mapping[Kind, str]] = {
    "override": "Adds somebody, removes somebody, or puts one in the other's place while that one is on shift.",
    "absence": "In every rota the next in order stands in.",
    "swap": "Whoever may take the shifts is told, and reminded while nobody has.",
    "span": "For this time the rota is who stands here, and nothing else counts. Whoever has no times of their own has all of it.",
}
MOST_ROWS: Final = 60
"""So many shifts of a temporary span are read from a form."""


_ROW: Final = ("person", "role", "starts_at", "ends_at")
_MEMBERS: Final = ("add", "remove", "role", "person", "reason")
"""What a form says of an override or of an absence, beside its times."""


class NoChange(ValueError):
    """A form that says no change; the sentence says what is missing."""


@dataclass(frozen=True)
class Asked:
    """What oncall is asked: where, and with what."""

    path: str
    body: Mapping[str, Any]
    method: Literal["POST", "PUT"] = "POST"
    """What is there already is put."""


def asked(kind: Kind, schedule: str, form: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """The change that a form says; its times are the wall clock of ``zone``. Raises :class:`NoChange`."""
    times = {"starts_at": instant(form, "starts_at", zone), "ends_at": instant(form, "ends_at", zone)}
    if times["ends_at"] <= times["starts_at"]:
        raise NoChange("The end must lie after the beginning.")
    body: dict[str, Any] = {name: at.isoformat() for name, at in times.items()}
    match kind:
        case "override":
            told = {name: form[name] for name in ("add", "remove") if form.get(name)}
            if not told:
                raise NoChange("Choose who comes, who goes, or both.")
            return _kept("override", schedule, form, {**body, **told, "role": form.get("role") or "primary"})
        case "absence":
            if not form.get("person"):
                raise NoChange("Choose who is away.")
            away = {"person": form["person"], "reason": form.get("reason", "")}
            return _kept("absence", schedule, form, {**body, **away})
        case "swap":
            told = {name: form[name] for name in ("of", "to") if form.get(name)}
            return Asked(path_of("swap", schedule), {**body, **told, "role": form.get("role") or "primary"})
        case "span":
            shifts = [_shift(number, row, times, zone) for number, row in enumerate(rows(form), 1) if row["person"]]
            return _kept("span", schedule, form, {**body, "shifts": shifts})


def _kept(kind: Kind, schedule: str, form: Mapping[str, str], body: Mapping[str, Any]) -> Asked:
    """A new change, or, where the form names one, what becomes of that one as it was seen."""
    where = path_of(kind, schedule)
    if not form.get("change"):
        return Asked(where, body)
    seen = f"?version={quote(form['version'], safe='')}" if form.get("version") else ""
    return Asked(f"{where}/{quote(form['change'], safe='')}{seen}", body, "PUT")


def rows(form: Mapping[str, str]) -> list[dict[str, str]]:
    """The shifts that the form of a temporary span has, each with ``person``, ``role``, ``starts_at`` and ``ends_at``; also the empty ones."""
    places = range(min(sum(name.startswith("person.") for name in form), MOST_ROWS))
    return [{name: form.get(f"{name}.{place}", "") for name in _ROW} for place in places]


def filled(change: Mapping[str, Any], zone: ZoneInfo) -> dict[str, str]:
    """A change as its form has it. A shift that lasts all of a temporary span has no times of its own, and stays so where the span is moved."""
    edges = {name: datetime.fromisoformat(change[name]) for name in ("starts_at", "ends_at")}
    form = {name: str(said) for name, said in change.items() if name in _MEMBERS and said}
    form |= {name: local(at, zone) for name, at in edges.items()}
    for place, shift in enumerate(change.get("shifts", ())):
        own = {name: datetime.fromisoformat(shift[name]) for name in edges}
        form |= {f"person.{place}": shift["person"], f"role.{place}": shift["role"]}
        form |= {f"{name}.{place}": "" if at == edges[name] else local(at, zone) for name, at in own.items()}
    return form


def _shift(number: int, row: Mapping[str, str], edges: Mapping[str, datetime], zone: ZoneInfo) -> dict[str, str]:
    """A shift of a temporary span. Raises :class:`NoChange`."""
    own = {name: instant(row, name, zone, f" of shift {number}") if row[name] else at for name, at in edges.items()}
    if own["ends_at"] <= own["starts_at"]:
        raise NoChange(f"The end of shift {number} must lie after its beginning.")
    if own["starts_at"] < edges["starts_at"] or own["ends_at"] > edges["ends_at"]:
        raise NoChange(f"Shift {number} must lie within the time that is replaced.")
    told = {name: at.isoformat() for name, at in own.items()}
    return {"person": row["person"], "role": row["role"] or "primary", **told}


def path_of(kind: Kind, schedule: str) -> str:
    """Where changes of a kind are kept."""
    return "absences" if kind == "absence" else f"schedules/{quote(schedule, safe='')}/{kind}s"


def instant(form: Mapping[str, str], name: str, zone: ZoneInfo, whose: str = "") -> datetime:
    """An instant of a form. Of a time that exists twice the first one is meant. Raises :class:`NoChange`."""
    text = form.get(name, "")
    try:
        at = datetime.fromisoformat(text)
        return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        label = "beginning" if name == "starts_at" else "end"
        raise NoChange(f"Say when the {label}{whose} is: day and time.") from error


def soon(now: datetime, zone: ZoneInfo) -> dict[str, str]:
    """The times that a form says at first, on the clock of ``zone``: from the coming full hour on, a day."""
    hour = (now.astimezone(UTC) + timedelta(hours=1)).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return {
        "starts_at": local(hour, zone),
        "ends_at": f"{hour.replace(tzinfo=None) + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }


def local(at: datetime, zone: ZoneInfo) -> str:
    """An instant for a form's field."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def told(change: Mapping[str, Any], people: Mapping[str, str], zone: ZoneInfo) -> str:
    """A change that was made, in a sentence; whom the directory does not have is named by id."""

    def name(member: str) -> str:
        person = str(change.get(member) or "")
        return people.get(person, person)

    when = spoken(datetime.fromisoformat(change["starts_at"]), datetime.fromisoformat(change["ends_at"]), zone)
    if "of" in change:
        asked = f"to {name('to')}" if change.get("to") else "to whoever takes them"
        return f"{name('of')} offers their shifts {asked}, {when}"
    if "person" in change:
        reason = f" ({change['reason']})" if change.get("reason") else ""
        return f"{name('person')} is away{reason}, {when}"
    if "shifts" in change:
        names = [people.get(one["person"], one["person"]) for one in change["shifts"]]
        only = list(dict.fromkeys(names))
        return f"Only {listed(only) or 'nobody'} {'counts' if len(only) < 2 else 'count'}, {when}"
    as_role = "" if change.get("role", "primary") == "primary" else f" as {change['role']}"
    if change.get("add") and change.get("remove"):
        return f"{name('add')} has the place of {name('remove')}{as_role}, {when}"
    return f"{name('add')} comes{as_role}, {when}" if change.get("add") else f"{name('remove')} goes{as_role}, {when}"
