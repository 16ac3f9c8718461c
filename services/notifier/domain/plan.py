"""Which of a recipient's contacts comes next, and why others are passed over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from libs.common.events.base import Contact
from libs.common.events.incidents import Incident, Purpose
from libs.common.slack_ids import is_member
from services.notifier.domain.addresses import normal

PassedReason = Literal["channel_is_the_incident", "channel_not_configured", "invalid_address"]


@dataclass(frozen=True)
class ChannelFacts:
    """What a decision needs to know of a channel: who provides it, and by which names an incident may mean that one."""

    provider: str
    provider_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Passed:
    """A contact that is not tried, and why."""

    index: int
    contact: Contact
    provider: str
    reason: PassedReason
    detail: str


@dataclass(frozen=True)
class Chosen:
    """The contact to try: ``address`` in the channel's normal form, ``slot`` its channel and, from the second of one channel on, its place."""

    index: int
    channel: str
    provider: str
    address: str
    slot: str


@dataclass(frozen=True)
class Plan:
    """What was passed over on the way to what was chosen; ``chosen`` of ``None`` says that no contact is left."""

    passed: tuple[Passed, ...]
    chosen: Chosen | None


def next_contact(
    contacts: Sequence[Contact], start: int, channels: Mapping[str, ChannelFacts], down: frozenset[str]
) -> Plan:
    """The first usable contact from place ``start`` on. ``down`` are the names that the incident says are down."""
    passed: list[Passed] = []
    for index, contact in enumerate(contacts[start:], start):
        facts = channels.get(contact.channel)
        address = normal(contact.channel, contact.address)
        if facts is None:
            detail = f"no channel {contact.channel} is configured"
            passed.append(Passed(index, contact, "", "channel_not_configured", detail))
        elif facts.provider_names & down:
            name = min(facts.provider_names & down)
            detail = f"the incident is {name} itself, which carries {contact.channel}"
            passed.append(Passed(index, contact, facts.provider, "channel_is_the_incident", detail))
        elif address is None:
            detail = f"{contact.address!r} is no address of {contact.channel}"
            passed.append(Passed(index, contact, facts.provider, "invalid_address", detail))
        else:
            slot = slot_of(contacts, index)
            return Plan(tuple(passed), Chosen(index, contact.channel, facts.provider, address, slot))
    return Plan(tuple(passed), None)


StepReason = Literal["due", "overtaken"]
"""Why a contact that follows after a while is used now, or is not: its time has come · so has that of a later step to the same address."""


def step_reason(contacts: Sequence[Contact], place: int, due_at: datetime, now: datetime) -> StepReason:
    """Whether the step at ``place``, due at ``due_at``, is used at ``now``.

    After an outage several steps may be due at once. To one address only the last of them comes: timers that were missed fire once,
    and never in a burst.
    """
    step = contacts[place]
    begun_at = due_at - (step.after or timedelta(0))
    overtaken = any(
        (later.channel, later.address) == (step.channel, step.address)
        and later.after is not None
        and begun_at + later.after <= now
        for later in contacts[place + 1 :]
    )
    return "overtaken" if overtaken else "due"


def slot_of(contacts: Sequence[Contact], index: int) -> str:
    """The channel, and from its second contact on which one: part of the key of the effect."""
    channel = contacts[index].channel
    earlier = sum(contact.channel == channel for contact in contacts[:index])
    return channel if earlier == 0 else f"{channel}.{earlier + 1}"


def names_down(incident: Incident | None) -> frozenset[str]:
    """The names of what the incident says is down, in lower case: its provider, service and tool."""
    if incident is None:
        return frozenset()
    names = (incident.provider, incident.service, incident.tool)
    return frozenset(name.lower() for name in names if name)


THREADED: Final[frozenset[Purpose]] = frozenset({"status", "update", "rca_status", "closing"})
"""What tells how an incident goes on."""


def stands_under(provider: str, address: str, purpose: Purpose) -> bool:
    """Whether a message stands under the first one about its incident: in a channel of Slack's, what tells how it goes on.

    What asks somebody to act stands by itself, where nobody overlooks it; and so does everything in a direct message, where replies
    in a thread ring for nobody who has not written in it.
    """
    return provider == "slack" and purpose in THREADED and not is_member(address)


def effect_key(subject: object, cause: str, slot: str, recipient: str, channel_slot: str) -> str:
    """What makes two sends the same one: subject × cause × slot × recipient × channel. ``cause`` is :func:`cause_of`."""
    return "|".join((str(subject), cause, slot, recipient, channel_slot))


def cause_of(purpose: str, rung: int | None, obligation: str | None) -> str:
    """Rung, obligation or bare purpose: why the message is sent, as the key of the effect says it."""
    if rung is not None:
        return f"{purpose}:rung-{rung}"
    return f"{purpose}:{obligation}" if obligation else purpose


Standing = Literal["open", "reached", "unreachable"]
"""How a notification stands: somebody may still be reached · somebody was · nobody can be any more."""


def standing(states: Sequence[str]) -> Standing:
    """How a notification stands whose attempts, of all its recipients, are in ``states``.

    ``uncertain`` is nobody reached: what nobody can vouch for must not stop a ladder.
    """
    if "sent" in states:
        return "reached"
    return "open" if "queued" in states or "sending" in states else "unreachable"
