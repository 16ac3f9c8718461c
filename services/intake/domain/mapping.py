"""Small pure helpers that every source uses: clean texts, links, times, and the first label that says something."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from libs.common.events.base import Link

TITLE_LIMIT = 300
TEXT_LIMIT = 10_000
LABEL_LIMIT = 1_000
LABELS_LIMIT = 100
LINKS_LIMIT = 20
SIBLINGS_LIMIT = 100
"""How many siblings a trigger names. The first ones of a body are enough to find the incident that they belong to, and a
thousand alerts that each name a thousand others would not be."""

NAME_LIMIT = 200


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """``text`` without what PostgreSQL or UTF-8 cannot hold (NUL, lone surrogates), at most ``limit`` characters."""
    if "\x00" in text:
        text = text.replace("\x00", "\N{SYMBOL FOR NULL}")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    text = text.strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def clean_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The first hundred labels with clean names and values."""
    pairs = list(labels.items())[:LABELS_LIMIT]
    return {clean(name, NAME_LIMIT): clean(value, LABEL_LIMIT) for name, value in pairs}


def first_of(labels: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The first value under one of ``names`` that is not blank."""
    for name in names:
        value = labels.get(name)
        if value and value.strip():
            return clean(value, NAME_LIMIT)
    return None


def several(text: str | None) -> tuple[str, ...]:
    """The parts of a list with commas, each once."""
    if not text:
        return ()
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def web_links(links: Iterable[tuple[str | None, str]]) -> tuple[Link, ...]:
    """The links that a person may safely open: only http and https, each address once."""
    found: dict[str, Link] = {}
    for address, text in links:
        href = clean(address or "", 2 * LABEL_LIMIT)
        if href.lower().startswith(("https://", "http://")):
            found.setdefault(href, Link(href=href, text=clean(text, NAME_LIMIT)))
    return tuple(found.values())[:LINKS_LIMIT]


def instant(text: str | None) -> datetime | None:
    """The instant that a sender wrote in ISO 8601; ``None`` for the zero time of Go programs and for what is no time.

    A time without a zone is taken for UTC. An alert whose time cannot be read is still an alert.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1 else None
