"""Channels that nothing carries: contacts and steps of chains by which nobody is told, and comments on tickets of no integration.

Both are allowed: a channel may be set up later, and a channel that is not there is passed over for the next contact.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.common.documents import Document
from libs.common.events.base import TICKET

Place = tuple[str | int, ...]
Doubt = tuple[str, Place, str]
"""File, place and rule."""

CHANNELS: Final = "channels.yaml"
INTEGRATIONS: Final = "integrations.yaml"
_PEOPLE: Final = {"people.yaml": "people", "tenants.yaml": "tenants"}
"""The files that say how somebody is reached, and their top key."""


def unconfigured(files: Mapping[str, Document]) -> Iterator[Doubt]:
    """Every contact and every step whose channel is none of ``channels.yaml``, and every channel for tickets of nobody."""
    carried = dict(_ids(files.get(CHANNELS), "channels"))
    if CHANNELS in files:
        for name, key in _PEOPLE.items():
            if name in files and isinstance(files[name].data, dict):
                yield from (
                    (name, at, rule) for at, rule in _unreached(files[name].data.get(key), (key,), set(carried))
                )
    if INTEGRATIONS in files:
        known = dict(_ids(files[INTEGRATIONS], "integrations"))
        for channel, at in carried.items():
            name = channel.removeprefix(TICKET)
            if channel.startswith(TICKET) and name not in known:
                rule = f"{INTEGRATIONS} has no integration {name!r}: no ticket comes by it, unless the API added it"
                yield CHANNELS, (*at, "id"), rule


def _unreached(said: Any, place: Place, carried: set[str]) -> Iterator[tuple[Place, str]]:
    """Below ``place``, which may be anything that a person wrote."""
    if isinstance(said, list):
        for number, one in enumerate(said):
            yield from _unreached(one, (*place, number), carried)
    if not isinstance(said, dict):
        return
    for key, value in said.items():
        below = (*place, key)
        if key == "contacts" and isinstance(value, list):
            for number, contact in enumerate(value):
                yield from _contact(contact, (*below, number), carried)
        elif key == "chain" and isinstance(value, dict):
            for urgency, steps in value.items():
                for number, step in enumerate(steps if isinstance(steps, list) else ()):
                    yield from _step(step, (*below, urgency, number), carried)


def _contact(said: Any, place: Place, carried: set[str]) -> Iterator[tuple[Place, str]]:
    if not isinstance(said, dict):
        return
    if "contacts" in said:  # a tenant's contact, which has its own
        yield from _unreached(said, place, carried)
        return
    named = said.get("channel") or next((key for key in said if key not in {"verified", "address"}), None)
    if isinstance(named, str) and named not in carried:
        at = (*place, named if named in said else "channel")
        yield at, f"{CHANNELS} has no channel {named!r}: nothing is sent to this contact"


def _step(said: Any, place: Place, carried: set[str]) -> Iterator[tuple[Place, str]]:
    named = said.get("contact") or next(iter(said), None) if isinstance(said, dict) else said
    channel = named.partition(".")[0] if isinstance(named, str) else ""
    if channel and channel not in carried:
        yield place, f"{CHANNELS} has no channel {channel!r}: this step is passed over"


def _ids(document: Document | None, key: str) -> Iterator[tuple[str, Place]]:
    said = document.data if document else None
    things = said.get(key) if isinstance(said, dict) else None
    for number, thing in enumerate(things if isinstance(things, list) else ()):
        if isinstance(thing, dict) and isinstance(thing.get("id"), str):
            yield thing["id"], (key, number)
