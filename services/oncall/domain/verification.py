"""A code shows that a contact reaches its person: when one may be sent, and what a code that is given is worth.

A code is guessed by one in a million. :data:`MOST_TRIES` a code and :data:`MOST_AN_HOUR` codes make that 25 in a million an hour.
"""

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

DIGITS: Final = 6
LASTS: Final = timedelta(minutes=10)
"""How long a code is good for."""
MOST_TRIES: Final = 5
"""After so many wrong codes the right one is refused too."""
PAUSE: Final = timedelta(minutes=1)
"""Between two codes to one contact."""
HOUR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 5
"""Codes to one contact."""

AskReason = Literal["asked", "too_soon", "too_many"]
"""Whether a code goes out: it does · the last one is too fresh · there were too many within the hour."""
GivenReason = Literal["verified", "wrong", "expired", "spent", "never_asked"]
"""What a code that is given is worth: it is right · it is not · it is too old · too many were wrong · none was sent."""


@dataclass(frozen=True)
class Verification:
    """What is known of one contact: the code that was sent last, and whether any was right."""

    code_id: UUID | None = None
    digest: str | None = None
    asked_at: datetime | None = None
    tries: int = 0
    counted_from: datetime | None = None
    asked: int = 0
    verified_at: datetime | None = None
    verified_by: str | None = None

    def expires_at(self) -> datetime | None:
        """Until when the code that was sent last is good."""
        return self.asked_at + LASTS if self.asked_at and self.digest else None


def code_of(chance: int) -> str:
    """Six digits of a large random number."""
    return f"{chance % 10**DIGITS:0{DIGITS}}"


def digest_of(code_id: UUID, code: str) -> str:
    """What is stored of a code."""
    return hashlib.sha256(code_id.bytes + code.encode()).hexdigest()


def may_ask(known: Verification, now: datetime) -> tuple[AskReason, timedelta]:
    """Whether another code may go out, and after how long it may where it may not now."""
    # the hour is looked at first: where it and the minute forbid a code, one may go out once both are over
    if known.counted_from is not None and known.asked >= MOST_AN_HOUR and now - known.counted_from < HOUR:
        paused = known.asked_at + PAUSE if known.asked_at is not None else now
        return "too_many", max(known.counted_from + HOUR, paused) - now
    if known.asked_at is not None and now - known.asked_at < PAUSE:
        return "too_soon", known.asked_at + PAUSE - now
    return "asked", timedelta(0)


def asked(known: Verification, code_id: UUID, code: str, now: datetime) -> Verification:
    """What is known once a code was sent; every earlier code is void."""
    fresh = known.counted_from is None or now - known.counted_from >= HOUR
    return replace(
        known,
        code_id=code_id,
        digest=digest_of(code_id, code),
        asked_at=now,
        tries=0,
        counted_from=now if fresh else known.counted_from,
        asked=1 if fresh else known.asked + 1,
    )


def given(known: Verification, code: str, by: str, now: datetime) -> tuple[GivenReason, Verification]:
    """What ``code`` is worth, and what is known since ``by`` gave it. A code is good once."""
    if known.code_id is None or known.digest is None or known.asked_at is None:
        return "never_asked", known
    if known.tries >= MOST_TRIES:
        return "spent", known
    if now - known.asked_at >= LASTS:
        return "expired", known
    if not hmac.compare_digest(digest_of(known.code_id, code), known.digest):
        return "wrong", replace(known, tries=known.tries + 1)
    return "verified", replace(known, digest=None, tries=0, verified_at=now, verified_by=by)
