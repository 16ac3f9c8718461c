"""What a key means that somebody presses in a call: ``1`` takes the incident, ``2`` and once more ``2`` ends it.

One key takes it, as in Grafana OnCall: whoever is woken should not have to listen to a menu. What ends an incident is asked twice, so
that no pocket and no sleepy thumb resolves anything.
"""

from dataclasses import dataclass
from typing import Final, Literal

from services.notifier.domain.reply import Action

Ask = Literal["sure", "again"]
"""What somebody on the phone hears next: whether they are ``sure``, or the whole message ``again``."""

ACKNOWLEDGE: Final = "1"
RESOLVE: Final = "2"
AGAIN: Final = frozenset({"9", "*"})
CERTAIN: Final = "resolve"
"""The step of a call in which it was asked whether somebody is sure."""


@dataclass(frozen=True)
class Press:
    """What was meant, what is heard next where nothing was done, and why."""

    action: Action | None
    ask: Ask | None
    reason: str


def pressed(digits: str, *, certain: bool) -> Press:
    """What ``digits`` mean; ``certain`` where somebody was asked whether they are sure."""
    if not digits:
        return Press(None, "again", "No key was pressed.")
    if digits == ACKNOWLEDGE:
        return Press("acknowledge", None, "1 acknowledges.")
    if digits == RESOLVE and certain:
        return Press("resolve", None, "2 was pressed twice, which resolves.")
    if digits == RESOLVE:
        return Press(None, "sure", "2 resolves once it is pressed again.")
    if digits in AGAIN:
        return Press(None, "again", f"{digits} asks for the message again.")
    return Press(None, "again", f"{digits} means nothing here.")
