"""A tolerant look into JSON that others made: what is not there, or is of another type, is simply not there."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from services.intake.domain.mapping import instant

UNSET: Final = re.compile(
    r"null|None|undefined|\(null\)|N/A|\*UNKNOWN\*|\{[A-Z][A-Z0-9._]*\}|\$[A-Z][A-Z0-9_]*|<no value>"
)
"""Texts with which templates say that they had nothing to fill in."""

DEPTH: Final = 3
"""How deep :meth:`Look.facts` goes."""

MILLISECONDS: Final = 100_000_000_000
"""Numbers from here on are milliseconds since 1970, those below are seconds."""


@dataclass(frozen=True, slots=True)
class Look:
    """A value, and where in the body it is."""

    value: Any
    path: tuple[int | str, ...] = ()

    def at(self, path: str) -> "Look":
        """What stands at ``a.b.0``; nothing where that does not exist."""
        found, places = self.value, list(self.path)
        for part in path.split("."):
            place: int | str = part
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and part.isdigit():
                place = int(part)
                found = found[place] if place < len(found) else None
            else:
                found = None
            places.append(place)
        return Look(found, tuple(places))

    def text(self, *paths: str) -> str:
        """The first of ``paths`` that holds a text or a number which says something; an empty text where none does."""
        for path in paths:
            found = text_of(self.at(path).value)
            if found:
                return found
        return ""

    def moment(self, *paths: str) -> datetime | None:
        """The first of ``paths`` that holds an instant: ISO 8601, or seconds or milliseconds since 1970."""
        for path in paths:
            found = moment_of(self.at(path).value)
            if found is not None:
                return found
        return None

    def each(self, path: str = "") -> Iterator["Look"]:
        """The elements of the array at ``path``; none where there is no array."""
        here = self.at(path) if path else self
        if isinstance(here.value, list):
            for number, value in enumerate(here.value):
                yield Look(value, (*here.path, number))

    def texts(self, *paths: str) -> tuple[str, ...]:
        """The texts of the first array of ``paths`` that has some; a text alone counts as one."""
        for path in paths:
            value = self.at(path).value
            values = value if isinstance(value, list) else [value]
            found = tuple(dict.fromkeys(text for one in values if (text := text_of(one))))
            if found:
                return found
        return ()

    def opened(self, path: str) -> "Look":
        """What stands at ``path``, read as JSON where it is a text that holds some."""
        here = self.at(path)
        if isinstance(here.value, str):
            try:
                return Look(json.loads(here.value), here.path)
            except (ValueError, RecursionError):
                return here
        return here

    def is_object(self) -> bool:
        """Whether this is a JSON object."""
        return isinstance(self.value, dict)

    def facts(self, *paths: str) -> dict[str, str]:
        """The texts and numbers of the objects at ``paths`` by their dotted names, a few levels deep."""
        found: dict[str, str] = {}
        for path in paths:
            _collect(found, "", self.at(path).value if path else self.value, DEPTH)
        return found


def _collect(found: dict[str, str], name: str, value: Any, depth: int) -> None:
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            _collect(found, f"{name}.{key}" if name else str(key), inner, depth - 1)
    elif name:
        text = ", ".join(filter(None, map(text_of, value))) if isinstance(value, list) else text_of(value)
        if text:
            found[name] = text


def text_of(value: Any) -> str:
    """A scalar as a text; empty for what is none or only says that nothing was filled in."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**60 else ""
    if isinstance(value, float):
        return f"{value:g}" if math.isfinite(value) else ""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    return "" if UNSET.fullmatch(text) else text


def moment_of(value: Any) -> datetime | None:
    """The instant that a sender wrote as ISO 8601 or as a number; ``None`` for what is neither."""
    text = text_of(value)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        return instant(text)
    if not 0 < number < MILLISECONDS * 1000:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number >= MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None
