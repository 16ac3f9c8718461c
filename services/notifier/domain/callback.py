"""What a provider calls back with, once it was read, and what follows from it: the same for what happens and for a preview.

A provider's words are read in :mod:`services.notifier.sources`; what they mean for one of our messages is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from libs.common.events.deliveries import AttemptReason
from services.notifier.domain.press import Ask, pressed
from services.notifier.domain.reply import Action, Command, parse

Kind = Literal["reply", "status", "press", "command", "handshake", "other"]
"""``reply`` to a message · ``status`` of a message or call · ``press`` of a key or a button · ``command`` that somebody gave without
having been paged · ``handshake`` by which a provider tries an address · ``other``, which asks nothing of us."""

State = Literal["taken", "answered", "arrived", "lost"]
"""``taken`` by the provider · a call was ``answered`` by somebody or something · it ``arrived`` with a person · it was ``lost``."""

RANKS: Final[Mapping[State, int]] = {"taken": 1, "answered": 1, "arrived": 2, "lost": 2}
"""States come in any order: one only counts where it ranks higher than what is known, and the first of the highest stays."""


@dataclass(frozen=True)
class Webhooks:
    """What signs the callbacks of a provider: tokens of the account (of Slack: signing secrets), and shared keys by their id. Several for rotation."""

    tokens: tuple[str, ...] = ()
    shared_keys: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Callback:
    """One callback as it was read. Empty fields are what it does not say."""

    provider: str
    kind: Kind
    key: str
    """The same for a repeat of the same thing, and different for any other of this provider's."""
    channel: str
    reason: str
    """Why it was read so: a sentence for a person."""
    action: Action | None = None
    incident: int | None = None
    """The number of the incident that it names."""
    address: str = ""
    """Who: the address of the human, in the channel's form."""
    words: str = ""
    """What the human said or pressed."""
    state: State | None = None
    reported: str = ""
    """The state in the provider's own word."""
    lost: AttemptReason | None = None
    """Why it was lost."""
    detail: str = ""
    """The provider's own explanation."""
    link: str = ""
    """Where the provider explains it, or takes an answer."""
    message: str = ""
    """The provider's own id of the message or call."""
    attempt: UUID | None = None
    """Our id of it, where the address that was called has it."""
    ask: Ask | None = None
    place: str = ""
    """In which of the provider's rooms it was said."""
    challenge: str = ""
    """What a handshake is answered with."""

    @property
    def id(self) -> str:
        """The key among those of all providers."""
        return f"{self.provider}:{self.key}"


@dataclass(frozen=True)
class Signature:
    """Whether a callback is the provider's own: over which address its signature was computed, and why it holds or not."""

    address: str
    reason: str
    holds: bool = False


Reason = Literal[
    "acknowledges",
    "resolves",
    "not_understood",
    "not_paged",
    "stranger",
    "repeat",
    "asks",
    "accepted",
    "confirmed",
    "next_contact",
    "lost",
    "settled",
    "unknown_message",
    "handshake",
    "nothing_asked",
]
"""What follows: somebody ``acknowledges`` or ``resolves`` an incident · is told what can be said (``not_understood``), or that they were
``not_paged``, or not known (``stranger``) · a ``repeat`` gets the answer that was given · a person on the phone ``asks`` to go on · a message was ``accepted``, ``confirmed``, or lost so that
the ``next_contact`` is due, or just ``lost`` where nobody needs it any more · it was ``settled`` before, or nobody knows it (``unknown_message``) · an address was tried (``handshake``) · nothing."""


@dataclass(frozen=True)
class Decision:
    """What follows, and a sentence that says so."""

    reason: Reason
    sentence: str


@dataclass(frozen=True)
class Standing:
    """How a message of ours stands: its state, whether it is known to have arrived, and whether anybody still needs it."""

    state: str
    confirmed: bool
    to: str = ""
    """Whom it is for."""
    wanted: bool = True

    @property
    def rank(self) -> int:
        """The rank of what is known."""
        if self.confirmed or self.state == "failed":
            return RANKS["arrived"]
        return RANKS["taken"] if self.state == "sent" else 0


def from_words(provider: str, key: str, channel: str, address: str, words: str, attempt: UUID | None) -> Callback:
    """The callback of somebody who answered in words, or to a call by the key that they would press."""
    command = parse(words)
    if command is None and channel == "voice":
        key_pressed = pressed(words.strip(), certain=True).action
        command = Command(key_pressed, None) if key_pressed else None
    if command is None:
        said = "The words are no command: ACK or RESOLVE, with the incident's number where there are several."
    else:
        said = f"The words ask to {command.action} {command.meant}."
    return Callback(
        provider=provider,
        kind="reply",
        key=key,
        channel=channel,
        reason=said,
        action=command.action if command else None,
        incident=command.number if command else None,
        address=address,
        words=words,
        attempt=attempt,
    )


def of_status(callback: Callback, standing: Standing | None) -> Decision:
    """What a state means for a message that stands so; ``None`` is a message that nobody knows."""
    if standing is None:
        return Decision("unknown_message", "No message of ours has this id, so nothing would change.")
    if callback.state is None:
        return Decision("nothing_asked", f"{callback.reported!r} is no state that Tocsin knows: nothing would change.")
    whom = f" to {standing.to}" if standing.to else ""
    if RANKS[callback.state] <= standing.rank:
        return Decision("settled", f"More is known of the message{whom} already ({standing.state}): nothing changes.")
    if callback.state == "lost":
        return _lost(whom, standing)
    if callback.state == "arrived":
        return Decision("confirmed", f"The message{whom} is known to have arrived. Nothing is acknowledged by that.")
    return Decision("accepted", f"The message{whom} is with the provider; whether it arrives is not known yet.")


def _lost(whom: str, standing: Standing) -> Decision:
    if standing.wanted:
        return Decision("next_contact", f"The message{whom} is lost: the recipient's next contact is due at once.")
    return Decision("lost", f"The message{whom} is lost, and nobody needs it any more: nothing follows.")


def of_answer(callback: Callback, paged: int | None, *, repeated: bool = False, known: bool = True) -> Decision:
    """What an answer does. ``paged`` is the number of the incident that it is about, where the sender was paged for one; ``known``, whether
    anybody knows who the sender is.
    """
    if callback.ask is not None:
        asked = "whether they are sure" if callback.ask == "sure" else "for a key, after the message once more"
        return Decision("asks", f"The person on the phone is asked {asked}.")
    if repeated:
        return Decision("repeat", "It was taken before: the same answer is given, and nothing else happens.")
    if callback.action is None:
        return _of_no_command(callback)
    if paged is None or not known:
        return _of_nobody(callback, known=known)
    if callback.action == "acknowledge":
        return Decision("acknowledges", f"Incident {paged} is acknowledged, and nobody else is paged.")
    return Decision("resolves", f"Incident {paged} is resolved, and everyone who was reached is told.")


def _of_no_command(callback: Callback) -> Decision:
    if callback.kind == "press":
        return Decision("nothing_asked", callback.reason)
    return Decision("not_understood", "The sender is told what can be answered.")


def _of_nobody(callback: Callback, *, known: bool) -> Decision:
    if not known:
        sentence = (
            f"Tocsin knows nobody by {callback.address}: nothing would be done, and the sender is told what to do."
        )
        return Decision("stranger", sentence)
    named = "" if callback.incident is None else f" for incident {callback.incident}"
    return Decision("not_paged", f"Nobody at this address was paged{named}: the sender is told so.")
