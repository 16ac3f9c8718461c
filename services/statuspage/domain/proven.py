"""Proof in words: how serious each doubt is, what helps, and how evenly load is shared."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from services.statuspage.domain import words

SERIOUS: Final = frozenset({"gap", "empty_shift", "nobody_reachable", "unknown_person", "no_contact"})
"""Doubts with which a page reaches nobody at first; of the others somebody else hears."""

HELPS: Final[Mapping[str, str]] = {
    "no_contact": "Give them a telephone number or an address.",
    "unverified_contact": "Have them confirm it with the code that it gets.",
    "unknown_person": "Correct the id in the rota, or add the person.",
    "absent": "Somebody stands in already, or put somebody on shift.",
    "no_backup": "Name a backup, or a layer of secondaries.",
    "same_person": "Name one more who stands in.",
    "nobody_reachable": "Name somebody who holds it.",
}
PATIENT: Final = frozenset({"unverified_contact"})
"""What is to be put right some time: a page to such a contact is sent all the same."""

GRACE: Final = timedelta(minutes=1)
EVEN: Final = 0.95
"""From this much of Jain's index on, a load is told as evenly shared."""


class Found(Protocol):
    """What is known of a doubt."""

    @property
    def doubt(self) -> str:
        """Its kind."""

    @property
    def starts_at(self) -> datetime:
        """When it begins."""


def is_serious(one: Found) -> bool:
    """Whether a page would reach nobody at first."""
    return one.doubt in SERIOUS


def is_patient(one: Found) -> bool:
    """Whether it may wait: nobody is left unreached by it."""
    return one.doubt in PATIENT


def summary(found: Sequence[Found], days: int, now: datetime) -> str:
    """The first line, of what may not wait."""
    found = [one for one in found if not is_patient(one)]
    if not found:
        return f"Somebody can be reached at every moment of the next {days} days"
    first = min(one.starts_at for one in found)
    when = "is there already" if first <= now + GRACE else f"begins {words.relative(first, now)}"
    told = f"{words.capital(words.counted(len(found), 'doubt'))} in the next {days} days"
    return f"{told}, which {when}" if len(found) == 1 else f"{told}; the first {when}"


def evenness(hours: float, nights: float, weekends: float) -> str:
    """How evenly each is shared, by Jain's index: ``Hours are shared evenly; nights (0.45 of 1) and weekends (0.81) are not.``"""
    indices = {"hours": hours, "nights": nights, "weekends": weekends}
    uneven = [f"{name} ({index:.2f} of 1)" for name, index in indices.items() if index < EVEN]
    even = [name for name, index in indices.items() if index >= EVEN]
    if not uneven:
        return "Hours, nights and weekends are shared evenly."
    if not even:
        return f"{words.capital(words.listed(uneven))} are shared unevenly."
    return f"{words.capital(words.listed(even))} are shared evenly; {words.listed(uneven)} are not."
