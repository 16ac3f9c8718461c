"""How somebody wants to be reached, as they said it themselves: what they may change of it, and what comes of that.

Nobody may make themselves unreachable. The last contact is not removed, and neither is the last one that is verified: whoever changes
a number first adds the new one, verifies it, and then removes the old one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.oncall.domain.noun import Value
from services.oncall.domain.people import Chains, ContactPoint, Person, QuietHours, Step

CHANNELS: Final = ("sms", "voice", "email", "slack")
"""Those that somebody may be reached by."""
MOST: Final = 9
"""Contacts of one person; a step of a chain names no later one of a channel."""

OwnReason = Literal[
    "changed", "unchanged", "known_contact", "too_many", "unknown_contact", "last_contact", "last_verified"
]
"""What a change comes to: it is made · nothing differs · the contact is there already · there are enough · there is no such contact ·
it is the only one · it is the only one that is verified, and a page must reach somebody."""
Place = tuple[str, str]
"""Channel and address."""


class Own(Value):
    """How somebody is reached."""

    contacts: tuple[ContactPoint, ...] = ()
    chain: Chains = Chains()
    quiet_hours: tuple[QuietHours, ...] = ()

    @classmethod
    def of(cls, person: Person) -> "Own":
        """How ``person`` is reached."""
        return cls(contacts=person.contacts, chain=person.chain, quiet_hours=person.quiet_hours)

    def applied(self, person: Person) -> Person:
        """``person``, reached like this."""
        return person.model_copy(
            update={"contacts": self.contacts, "chain": self.chain, "quiet_hours": self.quiet_hours}
        )


@dataclass(frozen=True)
class Outcome:
    """What a change comes to, why, and how the person is reached since."""

    reason: OwnReason
    own: Own


def added(own: Own, point: ContactPoint) -> Outcome:
    """With one more contact, the last of the order. Nobody vouches for it: it is verified by its code."""
    if any(_place(one) == _place(point) for one in own.contacts):
        return Outcome("known_contact", own)
    if len(own.contacts) >= MOST:
        return Outcome("too_many", own)
    fresh = ContactPoint(channel=point.channel, address=point.address)
    return Outcome("changed", own.model_copy(update={"contacts": (*own.contacts, fresh)}))


def removed(own: Own, place: Place, proved: Collection[Place]) -> Outcome:
    """Without a contact, and without the steps that use it. ``proved`` are those that a code verified."""
    left = tuple(point for point in own.contacts if _place(point) != place)
    if len(left) == len(own.contacts):
        return Outcome("unknown_contact", own)
    if not left:
        return Outcome("last_contact", own)
    verified, still = (
        any(point.verified or _place(point) in proved for point in some) for some in (own.contacts, left)
    )
    if verified and not still:
        return Outcome("last_verified", own)
    return Outcome("changed", _with(own, left))


def first(own: Own, place: Place) -> Outcome:
    """With a contact at the head of the order, in which they are tried where a chain says nothing else."""
    head = tuple(point for point in own.contacts if _place(point) == place)
    if not head:
        return Outcome("unknown_contact", own)
    order = (*head, *(point for point in own.contacts if _place(point) != place))
    return Outcome("unchanged" if order == own.contacts else "changed", _with(own, order))


def arranged(own: Own, chain: Chains, quiet_hours: Sequence[QuietHours]) -> Outcome:
    """With these chains and quiet hours."""
    wanted = own.model_copy(update={"chain": chain, "quiet_hours": tuple(quiet_hours)})
    return Outcome("unchanged" if wanted == own else "changed", wanted)


def differs(before: Person, after: Person) -> bool:
    """Whether somebody is reached otherwise."""
    return Own.of(before) != Own.of(after)


def _with(own: Own, contacts: tuple[ContactPoint, ...]) -> Own:
    """With other contacts; steps keep to the contact that they meant, and go with it."""
    chain = Chains(high=_steps(own, own.chain.high, contacts), low=_steps(own, own.chain.low, contacts))
    return own.model_copy(update={"contacts": contacts, "chain": chain})


def _steps(own: Own, steps: Sequence[Step], contacts: Sequence[ContactPoint]) -> tuple[Step, ...]:
    kept = [(step, name) for step in steps if (name := _name(own.contacts, step, contacts)) is not None]
    begin = kept[0][0].after if kept else None
    found = []
    for number, (step, name) in enumerate(kept):
        after = None if number == 0 or step.after is None else step.after - begin if begin else step.after
        found.append(Step(contact=name, after=after))
    return tuple(found)


def _name(before: Sequence[ContactPoint], step: Step, after: Sequence[ContactPoint]) -> str | None:
    """What a step calls its contact among ``after``; ``None`` where it is gone."""
    channel, _, number = step.contact.partition(".")
    meant = [point for point in before if point.channel == channel][int(number or 1) - 1]
    same = [point for point in after if point.channel == channel]
    if meant not in same:
        return None
    place = same.index(meant) + 1
    return channel if place == 1 else f"{channel}.{place}"


def _place(point: ContactPoint) -> Place:
    return point.channel, point.address
