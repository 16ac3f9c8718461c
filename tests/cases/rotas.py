"""From a case's set-up to a rota of ours."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.oncall.domain.amendments import Amendments, Made, Override, Swap, TemporarySpan
from services.oncall.domain.layer import Layer, plan_of
from services.oncall.domain.rota import Rota
from services.oncall.domain.turns import Grid, Unit
from tests.cases.case import NotYet, at, wall

UNITS: Final[dict[str, Unit]] = {"hourly": "hours", "daily": "days", "weekly": "weeks", "monthly": "months"}
_DAY: Final = timedelta(days=1)
_ODD: Final = str.maketrans({" ": "-", "(": "", ")": "", "@": "", ".": "-"})


def slug(name: str) -> str:
    """A person's id for any name of a case."""
    return name.lower().translate(_ODD)


def people_of(rotation: dict[str, Any]) -> list[list[str]]:
    """Who takes turns, each turn's people together."""
    listed = rotation.get("participants") or rotation.get("users") or [rotation.get("user", "u")]
    if listed and isinstance(listed[0], dict):
        listed = [entry["user"] for entry in sorted(listed, key=lambda entry: entry["position"])]
    return [[slug(one) for one in (entry if isinstance(entry, list) else [entry])] for entry in listed]


def unit_of(rotation: dict[str, Any]) -> Unit:
    """What turns are counted in."""
    return UNITS[rotation.get("unit") or rotation.get("repeat", "daily")]


def start_of(rotation: dict[str, Any], zone: str) -> datetime:
    """The wall clock's time at the start."""
    if "start_local" in rotation:
        return datetime.fromisoformat(rotation["start_local"])
    return wall(rotation["start"], zone)


def grid_of(rotation: dict[str, Any], zone: str) -> Grid:
    """The bare grid of hand-offs, which goes on for ever both ways."""
    length = int(rotation.get("shift_length", rotation.get("interval", 1)))
    return Grid(unit_of(rotation), (length,), start_of(rotation, zone), ZoneInfo(zone))


def duration_of(rotation: dict[str, Any]) -> timedelta | None:
    """How long a shift lasts, where the case says so."""
    for name, unit in (("duration_s", 1), ("shift_duration_s", 1), ("duration_h", 3600), ("shift_duration_h", 3600)):
        if name in rotation:
            return timedelta(seconds=rotation[name] * unit)
    return None


def layer_of(rotation: dict[str, Any], zone: str, name: str = "one", state: dict[str, Any] | None = None) -> Layer:
    """A rotation of a case as a layer."""
    unit = unit_of(rotation)
    start = start_of(rotation, zone)
    length = int(rotation.get("shift_length", rotation.get("interval", 1)))
    lasts = duration_of(rotation)
    days = rotation.get("days")
    said: dict[str, Any] = {
        "id": name,
        "people": people_of(rotation),
        "priority": rotation.get("priority", 0),
        "every": f"{length} {unit.removesuffix('s')}",
        "hand_off": f"{start:%H:%M}",
        "starts_on": start.date(),
        "since": at(rotation["effective_from"]) if rotation.get("effective_from") else None,
        "until": at(rotation["until"]) if rotation.get("until") else None,
        "lasts": lasts,
    }
    if days:
        said |= _masked(unit, length, start, days, lasts, rotation.get("week_start", "MO"))
    elif rotation.get("windows"):
        said["only"] = [window_of(window) for window in rotation["windows"]]
    layer = Layer.model_validate(said)
    if state and "active_index" in state:
        since = at(state["active_since"]) if "active_since" in state else start.replace(tzinfo=ZoneInfo(zone))
        turn = plan_of(layer, zone).turn_at(since)
        layer = layer.model_copy(update={"first": (state["active_index"] - turn) % len(layer.people)})
    return layer


def _masked(
    unit: Unit, length: int, start: datetime, days: list[str], lasts: timedelta | None, week_start: str
) -> dict[str, Any]:
    """A shift on each of ``days``, from the rotation's time of day on."""
    if lasts is not None and lasts > _DAY:
        raise NotYet("shifts of more than a day under a mask of days")
    end = start + (lasts or _DAY)
    said: dict[str, Any] = {"only": [{"days": days, "hours": f"{start:%H:%M}-{end:%H:%M}"}], "lasts": None}
    if unit == "weeks":
        said |= {"hand_off": f"{week_start} {start:%H:%M}", "lasts": "1 week" if length > 1 else None}
    if unit == "months":
        if length > 1:
            raise NotYet("every second month under a mask of days")
        said["hand_off"] = f"1 {start:%H:%M}"
    return said


def window_of(window: dict[str, Any]) -> dict[str, Any]:
    """A window of a case as the configuration writes it."""
    return {"days": window.get("days") or "mo-su", "hours": f"{window['start']}-{window['end']}"}


def layers_of(case_layers: list[dict[str, Any]], zone: str) -> list[Layer]:
    """The layers of a case: with windows and one person, with a rotation, or repeating."""
    found = []
    for number, entry in enumerate(case_layers):
        name = f"layer-{number}"
        if "rotation" in entry:
            layer = layer_of({**entry["rotation"], **_rest(entry)}, zone, name)
        elif "windows" in entry:
            only = [window_of(window) for window in entry["windows"]]
            found_people = [people_of(entry)[0]] if "user" in entry else [[slug(one) for one in entry["users"]]]
            layer = Layer.model_validate(
                {
                    "id": name,
                    "people": found_people,
                    "only": only,
                    "priority": entry.get("priority", 0),
                    "since": entry.get("since"),
                }
            )
        else:
            group = entry.get("users") or [entry["user"]]
            layer = layer_of({**entry, "participants": [group]}, zone, name)
        found.append(layer)
    return found


def _rest(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name in {"windows", "priority", "until"}}


def rota_of(given: dict[str, Any]) -> Rota:
    """The rota of a case."""
    zone = given.get("time_zone", "UTC")
    if "layers" in given:
        layers = layers_of(given["layers"], zone)
    elif "rotation" in given:
        layers = [layer_of(given["rotation"], zone, state=given.get("state"))]
    elif "base_on_call" in given:
        layers = [Layer.model_validate({"id": slug(who), "people": [slug(who)]}) for who in given["base_on_call"]]
    else:
        raise NotYet(f"a schedule made of {sorted(given)}")
    return Rota(id="case", name="Case", zone=zone, layers=tuple(layers))


def amendments_of(given: dict[str, Any]) -> Amendments:
    """The overrides and the swap of a case, in their order."""
    made = [_override_of(entry) for entry in given.get("overrides", [])]
    if isinstance(given.get("swap"), dict):
        made.append(swap_of(given["swap"]))
    return Amendments.of(Made(str(number), change) for number, change in enumerate(made))


def _override_of(entry: dict[str, Any]) -> Override | TemporarySpan | Swap:
    """Add, remove, replace; or an override that hides every layer, which is a temporary span here."""
    starts_at = at(entry["start"])
    if "user" in entry or "users" in entry:
        ends_at = at(entry["end"]) if "end" in entry else starts_at + (duration_of(entry) or _DAY)
        whom = [slug(one) for one in (entry.get("users") or [entry["user"]])]
        shifts = [{"person": one, "starts_at": starts_at, "ends_at": ends_at} for one in whom]
        return TemporarySpan.model_validate({"starts_at": starts_at, "ends_at": ends_at, "shifts": shifts})
    said = {verb: slug(entry[verb]) for verb in ("add", "remove") if entry.get(verb)}
    return Override.model_validate({**said, "starts_at": starts_at, "ends_at": at(entry["end"])})


def swap_of(entry: dict[str, Any]) -> Swap:
    """A swap that was taken."""
    taken_by = entry.get("taken_by")
    return Swap(
        starts_at=at(entry["start"]),
        ends_at=at(entry["end"]),
        of=slug(entry["of"]),
        taken_by=slug(taken_by) if taken_by else None,
        state="taken" if taken_by else "open",
    )
