"""A tree in the making: what was carried over, and a note for everything that was not, or not quite."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from libs.common.slack_ids import slack_id

_NO_SLUG: Final = re.compile(r"[^a-z0-9]+")
_PHONE: Final = re.compile(r"^\+[1-9]\d{6,14}$")
_EMAIL: Final = re.compile(r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$")


PLACE: Final = "@place"
"""Under what a thing of an export says where it stands."""


class NotCarried(Exception):
    """A thing that cannot be written in Tocsin's way; the sentence says why."""


@dataclass(frozen=True)
class Note:
    """What became of a thing: left out, or carried over otherwise than it stood; and why."""

    kind: Literal["left out", "changed"]
    what: str
    why: str
    where: str = ""
    """The file, and after ``#`` the place in it (RFC 6901)."""

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}: {self.why}" + (f" ({self.where})" if self.where else "")


@dataclass
class Draft:
    """The nouns by file, and the notes. Ids of the other tool lead to ours through :attr:`ids`."""

    people: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)
    rotas: list[dict[str, Any]] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    ladders: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    """Which service goes by which ladder."""
    notes: list[Note] = field(default_factory=list)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    """Our id for a noun and its id or name there."""
    place: str = ""
    """Where in which file that stands which is being carried over."""

    def each(self, things: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """One after the other is carried over; notes that are taken meanwhile say where it stands."""
        for thing in things:
            self.place = str(thing.get(PLACE) or "")
            yield thing
        self.place = ""

    def name(self, noun: str, name: str, *others: Any) -> str:
        """A new id for something called ``name``, known from now on by each of ``others`` too."""
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        slug = _NO_SLUG.sub("-", plain).strip("-")[:50] or noun
        taken = {known for (kind, _), known in self.ids.items() if kind == noun}
        wanted, number = slug, 1
        while wanted in taken:
            number += 1
            wanted = f"{slug}-{number}"
        for other in others:
            if other:
                self.ids[noun, str(other)] = wanted
        self.ids.setdefault((noun, f"={wanted}"), wanted)
        return wanted

    def find(self, noun: str, *others: Any) -> str | None:
        """Our id of something of theirs."""
        return next((self.ids[noun, str(other)] for other in others if other and (noun, str(other)) in self.ids), None)

    def forget(self, noun: str, *others: Any) -> None:
        """Let something of theirs lead to nothing: it was not carried over."""
        for other in others:
            self.ids.pop((noun, str(other)), None)

    def beneath(self, pointer: str) -> str:
        """Where a part of what is being carried over stands."""
        return f"{self.place}/{pointer}" if self.place else ""

    def left_out(self, what: str, why: str, where: str = "") -> None:
        """Note that something has no place in the tree. ``where`` it stands, unless that is where what is being carried over does."""
        self._note(Note("left out", what, why, where or self.place))

    def changed(self, what: str, why: str, where: str = "") -> None:
        """Note that something reads otherwise in the tree."""
        self._note(Note("changed", what, why, where or self.place))

    def _note(self, note: Note) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def zone(self, name: Any, what: str) -> str:
        """The zone, or UTC with a note where nobody knows it."""
        try:
            ZoneInfo(str(name))
        except (LookupError, ValueError, OSError):
            if name:
                self.changed(what, f"{name!r} is no IANA time zone; UTC stands in its place")
            return "UTC"
        return str(name)

    def person(self, name: str, zone: Any, contacts: Iterable[tuple[str, str]], *others: Any) -> str:
        """Add somebody. A contact is a channel with an address; one that has not the form of its channel is noted."""
        wanted = self.name("person", name, *others)
        points: list[dict[str, str]] = []
        for channel, address in contacts:
            plain = tidy(channel, address)
            if plain is None:
                self.left_out(f"person {name}: {channel} {address}", "it is no address of that channel")
            elif {channel: plain} not in points:
                points.append({channel: plain})
        if not points:
            self.changed(f"person {name}", "there is no contact by which they could be reached")
        one = {"id": wanted, "name": name, "zone": self.zone(zone, f"person {name}"), "contacts": points}
        self.people.append({key: value for key, value in one.items() if value})
        return wanted


def tidy(channel: str, address: str) -> str | None:
    """The address in the form of its channel; ``None`` where it has not that form."""
    if channel == "slack":
        return slack_id(address)
    if channel in {"sms", "voice"}:
        bare = re.sub(r"[\s().-]", "", address)
        return bare if _PHONE.match(bare) else None
    return address.strip() if _EMAIL.match(address.strip()) else None
