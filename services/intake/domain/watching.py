"""What a poller remembers of a provider's incidents, and what of the next answer is news."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from services.intake.domain.trigger import Ignored, ParsedTrigger, Reading, Remark

ITEMS_LIMIT: Final = 1_000
"""Incidents that are remembered once they are over."""

GONE: Final = (
    "The provider no longer lists this, and has not said that it is over. It stays open until somebody resolves it."
)


@dataclass(frozen=True, slots=True)
class Item:
    """An incident of the provider that was told of."""

    look: str
    """A digest of how it looked when it was last told as open: a page that lags behind shows it so once more."""
    firing: bool
    missing: bool = False
    """Whether it fires and the page no longer lists it."""
    noted: bool = False
    """Whether that was told."""


Items = Mapping[str, Item]


def sift(reading: Reading, items: Items, *, listing: bool) -> tuple[Reading, dict[str, Item]]:
    """What of ``reading`` is news to who knows ``items``, and what is known then.

    New and changed incidents, the end of those that were told of, and words that go with them; never the end of what nobody was told
    of. ``listing``: the reading is of the page that lists all that is open, so that what is not in it is missing.
    """
    known = dict(items)
    told: list[ParsedTrigger] = []
    followed: set[str] = set()
    seen: set[str] = set()
    passed = [ignored.trigger for ignored in reading.ignored if ignored.trigger and ignored.trigger.dedup_key in items]
    for trigger in (*reading.triggers, *passed):
        key = trigger.dedup_key
        before = known.get(key)
        seen.add(key)
        if trigger.status == "resolved":
            if before is not None and before.firing:
                told.append(trigger)
                known[key] = replace(before, firing=False, missing=False)
            continue
        look = look_of(trigger)
        if before is not None and (before.look == look or trigger in passed):
            known[key] = replace(before, missing=False, noted=False)
            continue
        told.append(trigger)
        if before is not None and before.firing:
            followed.add(key)
        known[key] = Item(look, firing=True)
    if listing and not reading.refusals:
        known |= {key: replace(item, missing=True) for key, item in known.items() if item.firing and key not in seen}
    remarks = tuple(remark for remark in reading.remarks if remark.dedup_key in followed)
    return Reading(tuple(told), reading.refusals, (), remarks), _kept(known)


def no_news(trigger: ParsedTrigger, items: Items) -> Ignored:
    """Why what :func:`sift` left out is not told to who knows ``items``."""
    known = trigger.dedup_key in items
    over = "Its end was told of before." if known else "It is over, and nobody was told of it."
    why = over if trigger.status == "resolved" else "It was told of before, and nothing has changed."
    return Ignored("no-news", why, trigger=trigger)


def vanished(items: Items) -> tuple[tuple[Remark, ...], dict[str, Item]]:
    """What is to be said of incidents that are no longer listed and that nobody has called resolved, once for each."""
    gone = [key for key, item in items.items() if item.firing and item.missing and not item.noted]
    remarks = tuple(Remark("noted", key, note=GONE) for key in gone)
    return remarks, {**items, **{key: replace(items[key], noted=True) for key in gone}}


def any_missing(items: Items) -> bool:
    """Whether it is to be found out what became of something."""
    return any(item.firing and item.missing for item in items.values())


def open_keys(items: Items) -> tuple[str, ...]:
    """The dedup keys of what is open."""
    return tuple(sorted(key for key, item in items.items() if item.firing))


def look_of(trigger: ParsedTrigger) -> str:
    """A digest of all that a trigger says."""
    return hashlib.sha256(repr(trigger).encode("utf-8", "replace")).hexdigest()[:32]


def _kept(items: dict[str, Item]) -> dict[str, Item]:
    over = sorted(key for key, item in items.items() if not item.firing)
    forgotten = set(over[ITEMS_LIMIT:])
    return {key: item for key, item in items.items() if key not in forgotten}
