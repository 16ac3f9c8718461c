"""From a case's set-up to a rota of ours."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.oncall.domain.amendments import Amendments, Made, Override, Swap, TemporarySpan
from services.oncall.domain.layer import Layer, plan_of
from services.oncall.domain.rota import Rota
from services.oncall.domain.spans import common
from services.oncall.domain.turns import Grid, Unit
from tests.cases.case import NotYet, at, wall
from tests.cases.wording import days_of, duration_of, hours_of, is_single, turns_of

NOBODY: Final = "nobody"
"""Who has a turn that is nobody's: a layer of ours has people."""
_DAY: Final = timedelta(days=1)
_EVER: Final = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
_ROLES: Final = {"backup": "secondary"}
_SPANS: Final = ("temporary_schedules", "temporary_spans", "replacement_windows", "windows")
_ODD: Final = str.maketrans({" ": "-", "(": "", ")": "", "@": "", ".": "-"})


def slug(name: str) -> str:
    """A person's id for any name of a case."""
    return name.lower().translate(_ODD)


def people_of(rotation: dict[str, Any]) -> list[list[str]]:
    """Who takes turns, each turn's people together."""
    said = [rotation[name] for name in ("participants", "users") if name in rotation]
    listed = said[0] if said else [rotation.get("user", "u")]
    if listed and isinstance(listed[0], dict):
        in_order = sorted(listed, key=lambda entry: entry.get("position", 0))
        listed = [entry.get("users") or entry["user"] for entry in in_order]
    groups = [[slug(one) for one in (entry if isinstance(entry, list) else [entry])] for entry in listed]
    return [group or [NOBODY] for group in groups] or [[NOBODY]]


def start_of(rotation: dict[str, Any], zone: str) -> datetime:
    """The wall clock's time at the start."""
    if "start_local" in rotation:
        return datetime.fromisoformat(rotation["start_local"])
    return wall(rotation["start"], zone)


def grid_of(rotation: dict[str, Any], zone: str) -> Grid:
    """The bare grid of hand-offs, which goes on for ever both ways."""
    length, unit = turns_of(rotation)
    return Grid(unit, (length,), start_of(rotation, zone), ZoneInfo(zone))


def layer_of(rotation: dict[str, Any], zone: str, name: str = "one", state: dict[str, Any] | None = None) -> Layer:
    """A rotation of a case as a layer."""
    zone = rotation.get("time_zone") or zone
    if is_single(rotation):
        return _single(rotation, zone, name)
    length, unit = turns_of(rotation)
    start = start_of(rotation, zone)
    lasts = duration_of(rotation)
    days = rotation.get("days")
    said: dict[str, Any] = {
        "id": name,
        "role": role_of(rotation),
        "people": people_of(rotation),
        "priority": rotation.get("priority", 0),
        "zone": rotation.get("time_zone"),
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


def role_of(said: dict[str, Any]) -> str:
    """In which role a layer's people are on shift."""
    role = str(said.get("role", "primary")).lower()
    return _ROLES.get(role, role)


def _single(rotation: dict[str, Any], zone: str, name: str) -> Layer:
    """A shift that happens once."""
    since = start_of(rotation, zone).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    ends_at = at(rotation["end"]) if rotation.get("end") else since + (duration_of(rotation) or _DAY)
    cuts = [at(rotation["effective_from"])] if rotation.get("effective_from") else []
    return Layer.model_validate(
        {
            "id": name,
            "role": role_of(rotation),
            "people": people_of(rotation)[:1],
            "priority": rotation.get("priority", 0),
            "since": max([since, *cuts]),
            "until": min([ends_at, *([at(rotation["until"])] if rotation.get("until") else [])]),
        }
    )


def _masked(
    unit: Unit, length: int, start: datetime, days: list[str], lasts: timedelta | None, week_start: str
) -> dict[str, Any]:
    """A shift on each of ``days``, from the rotation's time of day on."""
    if lasts is not None and lasts > _DAY:
        raise NotYet("shifts of more than a day under a mask of days")
    end = start + (lasts or _DAY)
    window: dict[str, Any] = {"days": days_of(days), "hours": f"{start:%H:%M}-{end:%H:%M}"}
    said: dict[str, Any] = {"only": [window], "lasts": None}
    if unit == "weeks":
        said |= {"hand_off": f"{week_start} {start:%H:%M}", "lasts": "1 week" if length > 1 else None}
    if unit == "months":
        if 12 % length:
            raise NotYet("a mask of days in every so many months that no year is made of them")
        said["hand_off"] = f"1 {start:%H:%M}"
        if length > 1:
            window["months"] = [(start.month - 1 + step) % 12 + 1 for step in range(0, 12, length)]
    return said


def window_of(window: dict[str, Any]) -> dict[str, Any]:
    """A window of a case as the configuration writes it."""
    return {"days": days_of(window.get("days")), "hours": hours_of(window)}


def layers_of(case_layers: list[dict[str, Any]], zone: str) -> list[Layer]:
    """The layers of a case: with windows and one person, with a rotation, or repeating."""
    found = []
    for number, entry in enumerate(case_layers):
        name = f"layer-{number}"
        if "rotation" in entry:
            state = entry.get("state") or entry["rotation"].get("state")
            layer = layer_of({**entry["rotation"], **_rest(entry)}, zone, name, state)
        elif "windows" in entry:
            windows = [window_of(window) for window in entry["windows"] if window.get("days") != []]
            if not windows:
                continue
            layer = Layer.model_validate(
                {
                    "id": name,
                    "role": role_of(entry),
                    "people": [_together(entry)],
                    "only": windows,
                    "zone": entry.get("time_zone"),
                    "priority": entry.get("priority", 0),
                    "since": entry.get("since") or entry.get("effective_from"),
                    "until": entry.get("until"),
                }
            )
        elif is_single(entry):
            layer = layer_of({**entry, "users": [_together(entry)]}, zone, name)
        else:
            layer = layer_of({**entry, "participants": [_together(entry)]}, zone, name)
        found.append(layer)
    return found


def _together(entry: dict[str, Any]) -> list[str]:
    """The people of a layer without turns: all of them at once."""
    return [one for group in people_of(entry) for one in group]


def _rest(entry: dict[str, Any]) -> dict[str, Any]:
    taken = {"windows", "priority", "until", "effective_from", "role", "time_zone"}
    return {name: value for name, value in entry.items() if name in taken}


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
    """The overrides, the temporary spans and the swap of a case, in their order."""
    listed = given.get("overrides") or []
    hiding = [entry for entry in listed if _hides(entry)]
    made: list[Override | TemporarySpan | Swap] = [_override_of(entry) for entry in listed if not _hides(entry)]
    made += _spans_of(hiding)
    for name in _SPANS:
        entries = given.get(name) or ([given[name[:-1]]] if given.get(name[:-1]) else [])
        made += [span_of(entry) for entry in entries]
    if isinstance(given.get("swap"), dict):
        made.append(swap_of(given["swap"]))
    return Amendments.of(Made(str(number), change) for number, change in enumerate(made))


def _hides(entry: dict[str, Any]) -> bool:
    """Whether an override hides every layer, which is a temporary span here: it only says who is on shift."""
    return "type" not in entry and ("user" in entry or "users" in entry)


def _spans_of(entries: list[dict[str, Any]]) -> list[TemporarySpan]:
    """What hides every layer: those of the same priority that overlap are one span; a higher priority hides a lower one."""
    found: list[tuple[int, list[dict[str, Any]]]] = []
    for entry in sorted(entries, key=lambda one: (one.get("priority", 0), at(one["start"]))):
        shifts = _shifts_of(entry)
        priority = entry.get("priority", 0)
        if found and found[-1][0] == priority and shifts[0]["starts_at"] < max(one["ends_at"] for one in found[-1][1]):
            found[-1][1].extend(shifts)
        else:
            found.append((priority, shifts))
    return [
        TemporarySpan.model_validate(
            {
                "starts_at": min(one["starts_at"] for one in shifts),
                "ends_at": max(one["ends_at"] for one in shifts),
                "shifts": shifts,
            }
        )
        for _, shifts in found
    ]


def _shifts_of(entry: dict[str, Any]) -> list[dict[str, Any]]:
    starts_at = at(entry["start"])
    ends_at = at(entry["end"]) if entry.get("end") else starts_at + (duration_of(entry) or _DAY)
    if entry.get("until"):
        ends_at = min(ends_at, at(entry["until"]))
    return [{"person": one, "starts_at": starts_at, "ends_at": ends_at} for one in _together(entry)]


def _override_of(entry: dict[str, Any]) -> Override:
    """Add, remove, replace; from ever and for ever where it says no time."""
    starts_at = at(entry["start"]) if entry.get("start") else _EVER[0]
    ends_at = at(entry["end"]) if entry.get("end") else starts_at + (duration_of(entry) or _EVER[1] - starts_at)
    said = {verb: slug(entry[verb]) for verb in ("add", "remove") if entry.get(verb)}
    if "type" in entry:
        by = {"replace": ("remove", "user"), "remove": ("remove", "user"), "add": ("add", "user")}
        verb, name = by[entry["type"]]
        said = {verb: slug(entry[name]), **({"add": slug(entry["with"])} if entry.get("with") else {})}
    return Override.model_validate({**said, "starts_at": starts_at, "ends_at": min(ends_at, _EVER[1])})


def span_of(entry: dict[str, Any]) -> TemporarySpan:
    """A window that replaces everything; what of its shifts lies outside is cut off."""
    starts_at, ends_at = at(entry["start"]), at(entry["end"])
    shifts = [
        {"person": slug(one["user"]), "starts_at": begin, "ends_at": end}
        for one in entry.get("shifts", [])
        for begin, end in common((at(one["start"]), at(one["end"])), [(starts_at, ends_at)])
    ]
    return TemporarySpan.model_validate({"starts_at": starts_at, "ends_at": ends_at, "shifts": shifts})


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
