"""What a body was read as, beside what it is read as today."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

EACH_TIME: Final = frozenset({"trigger_id", "delivery_id", "received_at", "integration_name", "type"})
"""What differs with each arrival, and says nothing of how the body was read."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is read otherwise. ``field`` is empty for a trigger that only one of the two readings has."""

    dedup_key: str
    status: str
    field: str
    before: Any
    after: Any


def differences(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """How the triggers of two readings of the same body differ, each a JSON object, matched by dedup key and status."""
    old, new = _by_key(before), _by_key(after)
    found: list[Difference] = []
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in new:
            found.append(Difference(*key, "", old[key]["title"], None))
        elif key not in old:
            found.append(Difference(*key, "", None, new[key]["title"]))
        else:
            found += _changed(key, _comparable(old[key]), _comparable(new[key]))
    return found


def _changed(key: tuple[str, str], old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    names = [*new, *(name for name in old if name not in new)]
    return [
        Difference(*key, name, old.get(name), new.get(name))
        for name in names
        if (old.get(name) or None) != (new.get(name) or None)
    ]


def _by_key(triggers: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(trigger["dedup_key"], trigger["status"]): trigger for trigger in triggers}


def _comparable(trigger: Mapping[str, Any]) -> dict[str, Any]:
    """Without what differs each time: also the time of arrival where it stands for that of the beginning, and the delivery for the group."""
    kept = {name: value for name, value in trigger.items() if name not in EACH_TIME}
    if kept.get("started_at") == trigger.get("received_at"):
        kept["started_at"] = None
    group = kept.get("group")
    if group and group.get("key") == trigger.get("delivery_id"):
        kept["group"] = {**group, "key": ""}
    return kept
