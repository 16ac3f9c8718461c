"""The promise: when the next word comes, and that it is late when it is late."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs.common.events.base import ObligationKind
from libs.common.events.incidents import Incident, Obligation
from services.statuspage.domain import words

PUBLIC: Final[frozenset[ObligationKind]] = frozenset({"client_update", "tenant_status", "maintenance_status"})
"""The obligations towards those who read the page."""

GRACE: Final = timedelta(seconds=60)
"""How long after the promised minute nobody is called late: what is due at 10:00 goes out in the minute of 10:00."""


@dataclass(frozen=True)
class Promise:
    """When the next word is due."""

    by: datetime
    late: bool
    text: str


def promise(incidents: Sequence[Incident], now: datetime) -> Promise | None:
    """The earliest promise that open incidents make to the readers of the page."""
    due = [
        obligation.due_at
        for incident in incidents
        for obligation in pending(incident)
        if obligation.kind in PUBLIC and obligation.due_at
    ]
    return promise_of(min(due), now) if due else None


def promise_of(by: datetime, now: datetime) -> Promise:
    """``Next update by 10:00 UTC, in 12 minutes``, or by how much it is late."""
    if now - by >= GRACE:
        return Promise(
            by, late=True, text=f"The update promised by {words.moment(by, now)} is late by {words.span(now - by)}"
        )
    if by - now < timedelta(minutes=1):
        return Promise(by, late=False, text=f"Next update by {words.moment(by, now)}, any moment now")
    return Promise(by, late=False, text=f"Next update by {words.moment(by, now)}, {words.relative(by, now)}")


def pending(incident: Incident) -> tuple[Obligation, ...]:
    """The obligations with a time at which they are due next, the next one first. Waived ones have none."""
    waiting = (obligation for obligation in incident.obligations if obligation.due_at and obligation.state != "waived")
    return tuple(sorted(waiting, key=lambda obligation: (obligation.due_at or incident.opened_at, obligation.kind)))
