"""Whether a send that did not succeed is tried again, and when: the one place that owns backoff.

Policies are tables. A page is short of time: after a minute and a half the recipient's next contact is worth more than
another try at this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from libs.common.events.base import TICKET
from libs.common.events.incidents import Purpose

RetryReason = Literal["scheduled", "too_old", "given_up", "withdrawn", "unsure"]
"""Why it is tried again, or not: a delay runs · the policy's age is over · the provider refused for good ·
nobody wants it any more · it may have gone out already."""


@dataclass(frozen=True)
class RetryPolicy:
    """``delays`` are the waits before the second, third … try, the last one repeated; ``max_age`` counts from the first try."""

    delays: tuple[timedelta, ...]
    max_age: timedelta


@dataclass(frozen=True)
class RetryDecision:
    """``at`` is when the same contact is tried again; ``None`` says that it is not."""

    at: datetime | None
    reason: RetryReason


def _seconds(*values: int) -> tuple[timedelta, ...]:
    return tuple(timedelta(seconds=value) for value in values)


URGENT: Final = RetryPolicy(_seconds(1, 3, 8, 15, 30), timedelta(seconds=90))
PATIENT: Final = RetryPolicy(_seconds(5, 15, 60, 180, 300), timedelta(minutes=20))

STEADY: Final = RetryPolicy(_seconds(5, 15, 60, 180, 300), timedelta(hours=2))
"""For comments on tickets: no other contact waits behind them, and what stands there is read later, too."""

POLICIES: Final[Mapping[Purpose, RetryPolicy]] = {
    "page": URGENT,
    "missed": URGENT,
    "call": URGENT,
    "reminder": URGENT,
    "verification": URGENT,
    "notice": PATIENT,
    "status": PATIENT,
    "update": PATIENT,
    "rca_status": PATIENT,
    "closing": PATIENT,
}


def policy_of(purpose: Purpose, channel: str) -> RetryPolicy:
    """How patiently a message of ``purpose`` is tried through ``channel``."""
    return STEADY if channel.startswith(TICKET) else POLICIES[purpose]


UNSURE: Final[Mapping[Purpose, Literal["next_contact", "again"]]] = {
    "page": "next_contact",
    "missed": "next_contact",
    "call": "next_contact",
    "reminder": "next_contact",
    "verification": "next_contact",
    "notice": "next_contact",
    "status": "again",
    "update": "again",
    "rca_status": "again",
    "closing": "again",
}
"""What follows where nobody can say whether a message went out and the provider cannot be asked.

Who is told to *act* is never told twice through one contact: their next contact is used, or the ladder goes on. What only
*informs* is sent again where the repeat carries the same ``Message-ID``, by which mailboxes show it once: a promise
to a client that is broken in silence is worse than a repeat that few will see.
"""


def after_failure(
    policy: RetryPolicy, *, tries: int, first_tried_at: datetime, now: datetime, provider_after: timedelta | None
) -> RetryDecision:
    """What follows after the ``tries``-th try failed in a way that may pass; the provider's own delay is kept."""
    delay = policy.delays[min(tries, len(policy.delays)) - 1]
    if provider_after is not None:
        delay = max(delay, provider_after)
    if now + delay > first_tried_at + policy.max_age:
        return RetryDecision(None, "too_old")
    return RetryDecision(now + delay, "scheduled")


def when_unsure(purpose: Purpose, *, repeatable: bool) -> Literal["next_contact", "again"]:
    """What follows where the outcome is unknown; ``repeatable`` says that a repeat carries its own identity."""
    return UNSURE[purpose] if repeatable else "next_contact"
