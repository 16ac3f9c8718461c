"""Alerts that their sender repeats while they last: one that is not repeated in time is over.

Prometheus says with each alert until when it counts (``endsAt``), a few of its own intervals ahead, and sends it again before that.
It does not always say that an alert has ended: a rule that is removed, or a Prometheus that is, merely stops.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

AWAY: Final = timedelta(seconds=30)
"""A judgement that comes so late means that Tocsin was away: what was repeated may have found a closed door."""

LEAST: Final = timedelta(minutes=1)
MOST: Final = timedelta(minutes=5)
"""Between these lies the time that senders get after such an absence: as much as they gave themselves."""

FOR_GOOD: Final = timedelta(days=366)
"""An end that lies further ahead is none."""


@dataclass(frozen=True, slots=True)
class Lapse:
    """Until when an alert counts unless it is repeated. ``at`` of ``None``: until its sender ends it, or it is over already."""

    at: datetime | None = None
    note: Any = None
    """The body, in the sender's own format, that tells that it is over."""


def lapse_of(at: datetime | None, note: Any, now: datetime) -> Lapse:
    """The lapse of a firing alert that is said to end at ``at``."""
    return Lapse() if at is None or at - now > FOR_GOOD else Lapse(at, note)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What it means that an alert was not repeated."""

    reason: Literal["not_repeated", "tocsin_was_away"]
    look_again_at: datetime | None = None


def judge(planned: datetime, now: datetime, given: timedelta, *, patient: bool) -> Verdict:
    """What it means at ``now`` that an alert was not repeated by ``planned``.

    ``given`` is how far ahead its sender put its end; ``patient``: one more time was given already.
    """
    if now - planned > AWAY and not patient:
        return Verdict("tocsin_was_away", now + min(max(given, LEAST), MOST))
    return Verdict("not_repeated")
