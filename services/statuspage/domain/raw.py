"""A body as a person reads it, and what was derived from it as facts, in the order in which they are asked for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

SHOWN: Final = 40_000
"""Characters of a body that are shown; intake keeps the rest."""

PRETTY_LIMIT: Final = 1_000_000
HEAD_LIMIT: Final = 5_000
"""Characters in which the header of a mail is looked for."""

FACTS: Final[Mapping[str, str]] = {
    "description": "Description",
    "dedup_key": "Dedup key",
    "kind": "Kind",
    "category": "Category",
    "severity": "Severity",
    "service": "Service",
    "services": "Services",
    "tool": "Tool",
    "provider": "Provider",
    "tenants": "Tenants",
    "assigned_team": "Team",
    "reporter": "Reporter",
    "window": "Window",
    "started_at": "Started",
    "ended_at": "Ended",
    "group": "Group",
}
ELSEWHERE: Final = frozenset({
    "type", "title", "status", "labels", "links", "trigger_id", "delivery_id", "integration_id", "integration_name",
    "source", "received_at",
})  # fmt: skip
"""What the page shows in places of its own."""

SHORTEST_MOMENT: Final = len("2026-03-02T09:15Z")


@dataclass(frozen=True)
class Body:
    """What is shown of a body."""

    text: str
    form: str
    """``JSON``, ``E-mail``, ``Text`` or ``Bytes, in base64``."""
    cut: bool
    """Whether this is only its beginning."""


@dataclass(frozen=True)
class Change:
    """One thing that is read otherwise today, in words; ``what`` is empty where a whole trigger came or went."""

    alert: str
    what: str
    before: str
    after: str


def readable(body: str, encoding: str, limit: int = SHOWN) -> Body:
    """A body laid out where it is JSON, and otherwise as it came; of a long one the first ``limit`` characters."""
    if encoding != "utf-8":
        return Body(body[:limit], f"Bytes, in {encoding}", len(body) > limit)
    text, form = _laid_out(body)
    return Body(text[:limit], form, len(text) > limit)


def facts(derived: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was derived, each with its name, without what is empty; what this version does not know comes last."""
    names = [*FACTS, *(name for name in derived if name not in FACTS and name not in ELSEWHERE)]
    told = [(FACTS.get(name, _named(name)), said(derived.get(name))) for name in names]
    services = derived.get("services")
    alone = isinstance(services, list) and services == [derived.get("service")]
    return [(name, text) for name, text in told if text and not (alone and name == "Services")]


def said(value: Any) -> str:
    """A JSON value in one line or a few."""
    if value in (None, "", [], {}):
        return ""
    match value:
        case str():
            return _moment(value)
        case list() if all(isinstance(one, str) for one in value):
            return ", ".join(value)
        case {"key": str(), "siblings": list()}:
            return str(value["key"])
        case {"starts_at": str()}:
            until = value.get("ends_at")
            return f"{_moment(value['starts_at'])} to {_moment(until) if until else 'an end that nobody knows yet'}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def changes(differences: Iterable[tuple[str, str, str, Any, Any]]) -> list[Change]:
    """What a replay reads otherwise: dedup key, status, field, before and after, in words."""
    return [
        Change(
            alert=f"{dedup_key} ({status})",
            what=FACTS.get(field, _named(field)),
            before=said(before) or "nothing",
            after=said(after) or "nothing",
        )
        for dedup_key, status, field, before, after in differences
    ]


def _named(field: str) -> str:
    return field.capitalize().replace("_", " ")


def _laid_out(body: str) -> tuple[str, str]:
    start = body.lstrip("\ufeff \t\r\n")[:1]
    if start in ("{", "[") and len(body) <= PRETTY_LIMIT:
        try:
            return json.dumps(json.loads(body.lstrip("\ufeff")), indent=2, ensure_ascii=False), "JSON"
        except (ValueError, RecursionError):
            return body, "Text"
    head = f"\n{body[:HEAD_LIMIT].lower()}"
    return body, "E-mail" if "\nsubject:" in head and "\nfrom:" in head else "Text"


def _moment(text: str) -> str:
    """An instant in words of people; any other text as it is."""
    if len(text) < SHORTEST_MOMENT or not text[:4].isdecimal() or text[10:11] != "T":
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is None else f"{at.astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC"
