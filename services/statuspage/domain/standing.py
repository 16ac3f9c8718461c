"""How what is listened to stands: heartbeats, providers' pages and integrations, in words and tones."""

from collections.abc import Iterable, Mapping
from typing import Final

from services.statuspage.domain import words

HEARTBEATS: Final[Mapping[str, tuple[str, str]]] = {
    "waiting": ("plain", "Not heard of yet"),
    "beating": ("ok", "Within its time"),
    "missing": ("down", "Missing"),
    "disabled": ("plain", "Switched off"),
}
PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "operational": ("ok", "Operational"),
    "quiet": ("plain", "Quiet: nothing is open there, which proves nothing"),
    "disrupted": ("degraded", "Disrupted"),
    "unknown": ("down", "Unknown"),
}


def told(state: str, known: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """A tone and a phrase; what this version does not know is told by its own name."""
    return known.get(state, ("plain", words.from_slug(state)))


def summary(heartbeats: Iterable[str], pages: Iterable[str]) -> tuple[str, str]:
    """The tone and the first line."""
    missing = sum(state == "missing" for state in heartbeats)
    states = list(pages)
    unknown, disrupted = states.count("unknown"), states.count("disrupted")
    parts = [
        f"{words.counted(missing, 'heartbeat')} {'is' if missing == 1 else 'are'} missing" if missing else "",
        f"nobody knows how {words.counted(unknown, 'provider')} {'stands' if unknown == 1 else 'stand'}"
        if unknown
        else "",
        f"{words.counted(disrupted, 'provider')} {'is' if disrupted == 1 else 'are'} disrupted" if disrupted else "",
    ]
    told_of = [part for part in parts if part]
    tone = "down" if missing or unknown else "degraded" if disrupted else "ok"
    return tone, words.capital(words.listed(told_of)) if told_of else "Everything that is listened to is as expected"
