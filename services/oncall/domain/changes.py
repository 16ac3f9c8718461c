"""What differs between the directory as it is and as it is wanted."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from services.oncall.domain.noun import Noun

Origin = Literal["config", "api"]
"""Where an entity comes from: the configuration tree, or a request."""


@dataclass(frozen=True)
class Entry:
    """An entity as it is kept. ``position`` orders it among the others of its noun."""

    noun: str
    entity: Noun
    position: int
    origin: Origin

    @property
    def place(self) -> tuple[str, str]:
        """Noun and id."""
        return self.noun, self.entity.id


@dataclass(frozen=True)
class Change:
    """One entity that was added (no ``before``), changed, or removed (no ``after``)."""

    before: Entry | None
    after: Entry | None

    @property
    def place(self) -> tuple[str, str]:
        """Noun and id."""
        entry = self.after or self.before
        if entry is None:
            raise ValueError("a change has a before or an after")
        return entry.place

    @property
    def told(self) -> bool:
        """Whether it is worth an entry in the audit: more than the order of the entities changed."""
        return (
            self.before is None
            or self.after is None
            or replace(self.before, position=self.after.position) != self.after
        )

    @property
    def action(self) -> Literal["added", "changed", "removed"]:
        """What happened to it."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


def changes(present: Iterable[Entry], wanted: Iterable[Entry], nouns: Iterable[str]) -> list[Change]:
    """How the configuration's part of the directory becomes ``wanted``, for these nouns.

    What the API added stays, unless the configuration has the same id now: then it is the configuration's from here on.
    """
    before = {entry.place: entry for entry in present if entry.noun in set(nouns)}
    after = {entry.place: entry for entry in wanted}
    found = [Change(before.get(place), entry) for place, entry in after.items() if before.get(place) != entry]
    gone = [entry for place, entry in before.items() if place not in after and entry.origin == "config"]
    return [*found, *(Change(entry, None) for entry in gone)]


def document(entry: Entry | None) -> dict[str, Any] | None:
    """The entity as JSON, as it is stored and audited."""
    return None if entry is None else entry.entity.model_dump(mode="json")
