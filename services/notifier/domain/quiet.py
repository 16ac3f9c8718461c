"""What waits for the end of a recipient's quiet hours, and what becomes of it then.

Oncall says until when somebody's quiet hours last. Whether a message waits for that is decided here by its purpose, whatever a
request says: a page never does, nor what else asks to act, nor a closing word, which would be stale.

At the end each held message comes once, or not at all where it is moot:

=====================================================  ===============================================
what waited                                            becomes
=====================================================  ===============================================
what was withdrawn meanwhile                           ``withdrawn``
a reminder of what was due by now                      ``too_late``: what it reminds of was kept or missed
what the incident's closing word came after            ``overtaken``
of the statuses and updates of one incident the last   ``released``, with the words of the others
those before it                                        ``bundled`` where they had words, else ``overtaken``
anything else                                          ``released``
=====================================================  ===============================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from libs.common.events.incidents import Purpose

WAITS: Final[Mapping[Purpose, bool]] = {
    "page": False,
    "missed": False,
    "call": False,
    "closing": False,
    "verification": False,
    "reminder": True,
    "status": True,
    "update": True,
    "rca_status": True,
    "notice": True,
}

_RUNNING: Final[frozenset[Purpose]] = frozenset({"status", "update", "rca_status"})
"""What tells how an incident stands: of these the newest counts."""

HoldReason = Literal["held", "not_quiet", "never_held"]
Fate = Literal["released", "withdrawn", "too_late", "overtaken", "bundled"]


@dataclass(frozen=True)
class Waiting:
    """A message that waits for one recipient. ``due_at`` is what it is about, ``words`` a person's own."""

    id: UUID
    purpose: Purpose
    held_at: datetime
    until: datetime
    due_at: datetime | None = None
    words: str | None = None
    withdrawn: bool = False


@dataclass(frozen=True)
class Settled:
    """What becomes of a message that waited. ``words`` of one that is released hold those of the ones bundled with it."""

    id: UUID
    fate: Fate
    words: str | None = None


def hold(purpose: Purpose, quiet_until: datetime | None, now: datetime) -> HoldReason:
    """Whether a message waits until ``quiet_until``."""
    if not WAITS[purpose]:
        return "never_held"
    return "held" if quiet_until is not None and quiet_until > now else "not_quiet"


def settle(waiting: Sequence[Waiting], now: datetime, closed_at: datetime | None) -> list[Settled]:
    """What becomes of the messages of one recipient about one subject whose time has come; the others go on waiting.

    ``closed_at`` is when the subject's closing word went out.
    """
    due = sorted((one for one in waiting if one.until <= now), key=lambda one: (one.held_at, one.id))
    fates = {one.id: _moot(one, now, closed_at) for one in due}
    running = [one for one in due if fates[one.id] is None and one.purpose in _RUNNING]
    settled = []
    for one in due:
        last = not running or one not in running or one is running[-1]
        if fates[one.id] is None and not last:
            fates[one.id] = "bundled" if one.words else "overtaken"
        words = _bundle(running) if running and one is running[-1] else None
        settled.append(Settled(one.id, fates[one.id] or "released", words))
    return settled


def _moot(one: Waiting, now: datetime, closed_at: datetime | None) -> Fate | None:
    if one.withdrawn:
        return "withdrawn"
    if one.purpose == "reminder" and one.due_at is not None and one.due_at <= now:
        return "too_late"
    if one.purpose != "notice" and closed_at is not None and closed_at >= one.held_at:
        return "overtaken"
    return None


def _bundle(running: Sequence[Waiting]) -> str | None:
    """The words of all, each with when it was written, where there are those of more than the last."""
    said = [one for one in running if one.words]
    if not said or said == [running[-1]]:
        return None
    return "\n\n".join(f"{one.held_at:%H:%M} UTC: {one.words}" for one in said)
