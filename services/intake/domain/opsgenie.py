"""Addresses and queries of Opsgenie's Alert API, read as Opsgenie's clients write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from pydantic_core import to_json

from services.intake.domain.drop_in import Action

ROOT: Final = "/v2/alerts"
HOW: Final = ("id", "alias", "tiny")
"""As what an alert may be named."""

ACTIONS: Final[dict[tuple[str, str], Action]] = {
    ("POST", "acknowledge"): "acknowledge",
    ("POST", "unacknowledge"): "unacknowledge",
    ("POST", "close"): "close",
    ("POST", "snooze"): "snooze",
    ("POST", "escalate"): "escalate",
    ("POST", "assign"): "assign",
    ("POST", "notes"): "note",
    ("POST", "tags"): "add-tags",
    ("POST", "details"): "add-details",
    ("DELETE", "tags"): "remove-tags",
    ("DELETE", "details"): "remove-details",
    ("DELETE", ""): "delete",
}
"""What Tocsin does, by the method and the last word of the address."""

UNSUPPORTED: Final[dict[str, frozenset[str]]] = {
    "POST": frozenset({"responders", "teams", "actions", "attachments"}),
    "GET": frozenset({"attachments", "logs", "notes", "recipients"}),
    "PUT": frozenset({"message", "description", "priority"}),
    "PATCH": frozenset({"message", "description", "priority"}),
    "DELETE": frozenset({"attachments", "responders", "teams"}),
}
"""What Opsgenie does and Tocsin does not. ``actions`` and ``attachments`` have one more word behind them."""


@dataclass(frozen=True, slots=True)
class Place:
    """What an address below ``/v2/alerts/`` means."""

    identifier: str
    """As the caller meant it, without escapes."""
    action: Action | None = None
    """``None``: the alert itself is asked for."""
    unsupported: str = ""
    """The word that Tocsin has no answer to."""


def place_of(method: str, raw_path: str) -> Place | None:
    """The alert and the action of an address as it was sent; ``None`` where Opsgenie has none such.

    Clients escape the slashes of an alias, or do not, and add one at the end, or do not. So the known last word is cut off, and the
    rest is the identifier; an identifier in one piece is never cut.
    """
    rest = raw_path.partition(ROOT)[2].strip("/")
    if not rest:
        return None
    segments = rest.split("/")
    known = UNSUPPORTED.get(method, frozenset()) | {word for verb, word in ACTIONS if verb == method and word}
    for last in (segments[-1], segments[-2] if len(segments) > 2 else ""):
        if len(segments) == 1 or last not in known or (last != segments[-1] and last not in ("actions", "attachments")):
            continue
        identifier = unquote("/".join(segments[: len(segments) - 1 - (last != segments[-1])]))
        action = ACTIONS.get((method, last))
        return Place(identifier, action, "" if action else last)
    whole = unquote(rest)
    if method == "GET":
        return Place(whole)
    action = ACTIONS.get((method, ""))
    return None if action is None else Place(whole, action)


def body_of(query: Mapping[str, str]) -> bytes:
    """What a call without a body says in its address, as a body, so that it is read and kept like others."""
    said: dict[str, Any] = {name: value for name, value in query.items() if name != "identifierType"}
    for name in ("tags", "keys"):
        if name in said:
            said[name] = [part.strip() for part in said[name].split(",") if part.strip()]
    return to_json(said)


FIELDS: Final = {
    name.lower(): name
    for name in (
        "acknowledged",
        "alertId",
        "alias",
        "count",
        "entity",
        "message",
        "owner",
        "priority",
        "source",
        "status",
        "tag",
        "tinyId",
    )
}
"""The fields that a query may name, in Opsgenie's own spelling."""

TERM: Final = re.compile(r'(?:(\w+)\s*[:=]\s*)?(?:"([^"]*)"|([^\s"():=<>]+(?:[:=][^\s"()<>]+)?))')


class BadQuery(ValueError):
    """The query says something that is not read here; ``str`` is the sentence."""


def terms_of(query: str) -> list[tuple[str, str]]:
    """The terms of a query, all of which must be true, as field and value; words without a field are sought in the message.

    Raises :class:`BadQuery` for what would be misunderstood: ``OR``, ``NOT``, brackets, comparisons, unknown fields.
    """
    found: list[tuple[str, str]] = []
    place, text = 0, query.strip()
    while place < len(text):
        match = TERM.match(text, place)
        if match is None or match.end() == place:
            raise BadQuery(
                f"The query cannot be read at {text[place : place + 20]!r}: terms are field: value, joined by AND."
            )
        name, quoted, word = match.groups()
        place = match.end()
        while place < len(text) and text[place].isspace():
            place += 1
        value = quoted if quoted is not None else word
        if name is None and word in ("AND", "and"):
            continue
        if name is None and word in ("OR", "or", "NOT", "not"):
            raise BadQuery(f"{word} is not read here; ask for each in a query of its own.")
        if name is not None and name.lower() not in FIELDS:
            raise BadQuery(f"There is no field {name} here; there are {', '.join(FIELDS.values())}.")
        found.append((FIELDS[name.lower()] if name else "message", value))
    return found
