"""How somebody is reached for a message: through which of their contacts, how soon one after the other, and whether it waits.

What asks somebody to act at once goes the ``high`` chain and never waits. A closing word never waits either: in the morning it would
be about something that its reader dealt with at night. Everything else waits for the end of quiet hours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from libs.common.events.base import Contact
from libs.common.events.incidents import Purpose
from libs.common.wallclock import zone_of
from services.oncall.domain.people import Person, quiet_mask


@dataclass(frozen=True)
class Manner:
    """How a message comes: which chain it goes, and whether it waits for the end of quiet hours."""

    urgency: Literal["high", "low"]
    waits: bool


AT_ONCE: Final = Manner("high", waits=False)
"""For what asks to act, and for what may turn out to be an alarm."""

MANNERS: Final[Mapping[Purpose, Manner]] = {
    "page": AT_ONCE,
    "missed": AT_ONCE,
    "call": AT_ONCE,
    "verification": AT_ONCE,
    "closing": Manner("low", waits=False),
    "reminder": Manner("low", waits=True),
    "status": Manner("low", waits=True),
    "update": Manner("low", waits=True),
    "rca_status": Manner("low", waits=True),
    "notice": Manner("low", waits=True),
}

_AHEAD: Final = timedelta(days=8)
"""Quiet hours that end at all end within a week."""


def contacts_for(person: Person, manner: Manner) -> tuple[Contact, ...]:
    """The contacts to use, in order. Of ``high`` those that the chain leaves out come last, where all of the chain failed."""
    steps = person.chain.high if manner.urgency == "high" else person.chain.low
    if not steps:
        return tuple(Contact(channel=point.channel, address=point.address) for point in person.contacts)
    named = [(point, step.after) for step in steps if (point := person.point(step.contact)) is not None]
    left = [point for point in person.contacts if all(point is not known for known, _ in named)]
    chosen = [*named, *((point, None) for point in left if manner.urgency == "high")]
    return tuple(
        Contact(channel=point.channel, address=point.address, after=after if number else None)
        for number, (point, after) in enumerate(chosen)
    )


def quiet_until(person: Person, at: datetime) -> datetime | None:
    """When the quiet hours end in which ``at`` lies, those that touch taken as one; ``None`` outside of them."""
    if not person.quiet_hours:
        return None
    spans = quiet_mask(person.quiet_hours).spans(at, at + _AHEAD, zone_of(person.zone))
    return next((end for begin, end in spans if begin <= at < end), None)
