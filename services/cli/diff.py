"""What differs between two configurations, noun by noun and field by field."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["added", "changed", "removed"]

_SINGULAR: Final = {"people": "person", "clocks": "clocks", "routing": "routing"}
ABSENT: Final = object()
"""What a field is that is not there: nothing, which is something else than ``null``."""


@dataclass(frozen=True)
class FieldChange:
    """One field: ``rules[ticket].first``, and what it says before and after; :data:`ABSENT` where it is not there."""

    path: str
    before: Any
    after: Any

    @property
    def shown(self) -> dict[str, Any]:
        """The same for machines; what is not there is left out."""
        values = {"before": self.before, "after": self.after}
        return {"path": self.path, **{name: value for name, value in values.items() if value is not ABSENT}}


@dataclass(frozen=True)
class Change:
    """One thing that is added, changed or removed."""

    file: str
    noun: str
    id: str
    kind: Kind
    fields: tuple[FieldChange, ...] = ()
    said: Any = None
    """All of what is added or removed."""

    @property
    def shown(self) -> dict[str, Any]:
        """The same for machines."""
        told: dict[str, Any] = {"file": self.file, "noun": self.noun, "id": self.id, "change": self.kind}
        return told | ({"fields": [one.shown for one in self.fields]} if self.fields else {"says": self.said})


def changes(file: str, before: Any, after: Any) -> Iterator[Change]:
    """What becomes of the things of one file, in the order of the new one; then what is gone."""
    former, later = (said if isinstance(said, dict) else {} for said in (before, after))
    for key in dict.fromkeys([*later, *former]):
        noun = _SINGULAR.get(key) or key.removesuffix("s")
        old, new = former.get(key), later.get(key)
        if _named(old) and _named(new):
            yield from _things(file, key, noun, old or [], new or [])
        elif old != new:
            fields = tuple(_fields("", {} if old is None else old, {} if new is None else new))
            yield Change(file, noun, key, "changed", fields)


def _named(items: Any) -> bool:
    """Whether these are things with ids, or none."""
    return items is None or (
        isinstance(items, list) and all(isinstance(one, dict) and isinstance(one.get("id"), str) for one in items)
    )


def _things(
    file: str, key: str, noun: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[Change]:
    former = {one["id"]: one for one in before}
    later = {one["id"]: one for one in after}
    for name, said in later.items():
        if name not in former:
            yield Change(file, noun, name, "added", said=said)
        elif said != former[name]:
            yield Change(file, noun, name, "changed", tuple(_fields("", former[name], said)))
    for name, said in former.items():
        if name not in later:
            yield Change(file, noun, name, "removed", said=said)
    kept = [[name for name in one if name in former and name in later] for one in (former, later)]
    if kept[0] != kept[1]:
        yield Change(file, noun, key, "changed", (FieldChange("order", kept[0], kept[1]),))


def _fields(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            yield from _fields(f"{path}.{key}".lstrip("."), before.get(key, ABSENT), after.get(key, ABSENT))
    elif isinstance(before, list) and isinstance(after, list) and before and after and _named([*before, *after]):
        yield from _within(path, before, after)
    elif _records(before) and _records(after):
        yield from _in_order(path, before, after)
    elif before is ABSENT or after is ABSENT or before != after:
        yield FieldChange(path, before, after)


def _within(
    path: str, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[FieldChange]:
    former = {one["id"]: one for one in before}
    later = {one["id"]: one for one in after}
    for name in dict.fromkeys([*former, *later]):
        yield from _fields(f"{path}[{name}]", former.get(name, ABSENT), later.get(name, ABSENT))
    kept = [[name for name in one if name in former and name in later] for one in (former, later)]
    if kept[0] != kept[1]:
        yield FieldChange(f"{path}: order", kept[0], kept[1])


def _records(items: Any) -> bool:
    return isinstance(items, list) and bool(items) and all(isinstance(one, dict) for one in items)


def _in_order(path: str, before: Sequence[Any], after: Sequence[Any]) -> Iterator[FieldChange]:
    """Items without ids are told by their place in the list; what merely moved up or down is not told."""
    former, later = ([json.dumps(one, sort_keys=True) for one in items] for items in (before, after))
    for tag, i, j, k, m in difflib.SequenceMatcher(None, former, later, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for step in range(max(j - i, m - k)):
            old = before[i + step] if i + step < j else ABSENT
            new = after[k + step] if k + step < m else ABSENT
            place = k + step if new is not ABSENT else i + step
            yield from _fields(f"{path}[{place}]", old, new)


def counted(found: Sequence[Change]) -> dict[Kind, int]:
    """How many things are added, changed and removed."""
    kinds: tuple[Kind, ...] = ("added", "changed", "removed")
    return {kind: sum(1 for one in found if one.kind == kind) for kind in kinds}
