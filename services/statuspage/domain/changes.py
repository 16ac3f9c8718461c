"""Changes of a rota as a form says them, as oncall takes them, and as a person reads them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from services.statuspage.domain.lanes import spoken

Kind = Literal["override", "absence", "swap"]

TITLES: Final[Mapping[Kind, str]] = {
    "override": "Change who is on shift",
    "absence": "Say that somebody is away",
    "swap": "Offer a swap",
}
EFFECTS: Final[Mapping[Kind, str]] = {
    "override": "Adds somebody, removes somebody, or puts one in the other's place while that one is on shift.",
    "absence": "In every rota the next in order stands in.",
    "swap": "Whoever may take the shifts is told, and reminded while nobody has.",
}


class NoChange(ValueError):
    """A form that says no change; the sentence says what is missing."""


@dataclass(frozen=True)
class Asked:
    """What oncall is asked: where, and with what."""

    path: str
    body: Mapping[str, Any]


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
            return Asked(path_of("override", schedule), {**body, **told, "role": form.get("role") or "primary"})
        case "absence":
            if not form.get("person"):
                raise NoChange("Choose who is away.")
            return Asked(
                path_of("absence", schedule), {**body, "person": form["person"], "reason": form.get("reason", "")}
            )
        case "swap":
            told = {name: form[name] for name in ("of", "to") if form.get(name)}
            return Asked(path_of("swap", schedule), {**body, **told, "role": form.get("role") or "primary"})


def path_of(kind: Kind | Literal["span"], schedule: str) -> str:
    """Where changes of a kind are kept."""
    return "absences" if kind == "absence" else f"schedules/{quote(schedule, safe='')}/{kind}s"


def instant(form: Mapping[str, str], name: str, zone: ZoneInfo) -> datetime:
    """An instant of a form. Of a time that exists twice the first one is meant. Raises :class:`NoChange`."""
    text = form.get(name, "")
    try:
        at = datetime.fromisoformat(text)
        return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        label = "beginning" if name == "starts_at" else "end"
        raise NoChange(f"Say when the {label} is: day and time.") from error


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
        return f"Only {', '.join(dict.fromkeys(names)) or 'nobody'} counts, {when}"
    as_role = "" if change.get("role", "primary") == "primary" else f" as {change['role']}"
    if change.get("add") and change.get("remove"):
        return f"{name('add')} has the place of {name('remove')}{as_role}, {when}"
    return f"{name('add')} comes{as_role}, {when}" if change.get("add") else f"{name('remove')} goes{as_role}, {when}"
