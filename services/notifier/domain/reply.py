"""What somebody meant who answered a message: ``ACK``, ``ack 12``, `` resolve #12 ``."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Action = Literal["acknowledge", "resolve"]

_WORDS: Final[dict[str, Action]] = {
    "ack": "acknowledge",
    "acknowledge": "acknowledge",
    "acknowledged": "acknowledge",
    "resolve": "resolve",
    "resolved": "resolve",
    "res": "resolve",
}
_REPLY: Final = re.compile(r"\W*([A-Za-z]+)\b[\s:,-]*(?:#|no\.?|nr\.?)?\s*(\d{1,9})?[\s.!]*", re.IGNORECASE)

HELP: Final = (
    "Tocsin did not understand. Reply ACK to take the incident, RESOLVE when it is over, "
    "with its number if there are several: ACK 12."
)


@dataclass(frozen=True)
class Command:
    """What to do with which incident; without ``number`` the latest that this number was paged for."""

    action: Action
    number: int | None

    @property
    def meant(self) -> str:
        """Which incident, in words."""
        return "the incident paged last" if self.number is None else f"incident {self.number}"


def parse(text: str) -> Command | None:
    """The command in ``text``, or ``None`` where it is none: then the sender gets :data:`HELP`."""
    match = _REPLY.fullmatch(text)
    action = _WORDS.get(match.group(1).lower()) if match else None
    if match is None or action is None:
        return None
    return Command(action, int(match.group(2)) if match.group(2) else None)


def confirmation(command: Command, number: int, title: str) -> str:
    """The sentence that answers a command which was understood."""
    if command.action == "acknowledge":
        return f"You have #{number} now ({title}). Nobody else is paged. Reply RESOLVE {number} when it is over."
    return f"#{number} ({title}) is being resolved. Everyone who was reached is told."


def unknown(command: Command) -> str:
    """The sentence for somebody who was not paged for what they name, or for nothing at all."""
    if command.number is None:
        return "Tocsin has not paged this number lately, so there is nothing to answer."
    return f"Tocsin has not paged this number for #{command.number}. Reply with the number that the page named."
