"""The communication promises of an incident: when each is due, what happens then, and what sets it forward.

An obligation is due → sent | late | waived, and due again ``every`` so often until it is waived or kept for good. All arithmetic
counts from the moment at which something was sent or missed, so that after an outage each comes once, late, and never in a burst.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from libs.common.events.base import ObligationKind, RoleRef
from libs.common.events.incidents import Incident, Obligation, Purpose, Update
from services.escalator.domain.ladder import late_by
from services.escalator.domain.policies import OWNER, Clocks, ObligationPolicy
from services.escalator.domain.windows import runs_from

Audience = Literal["team", "tenant", "client"]
Outcome = Literal["sent_on_time", "sent_late", "missed"]
MoveReason = Literal["sent_on_time", "sent_late", "missed", "update_posted", "waived", "resolved", "rca_issued"]

KEPT_BY: dict[Audience, tuple[ObligationKind, ...]] = {
    "team": ("team_status",),
    "tenant": ("tenant_status", "maintenance_status"),
    "client": ("client_update", "rca"),
}
"""Which promises an update to an audience keeps."""

NEWS_FOR: dict[ObligationKind, Audience] = {
    "tenant_status": "tenant",
    "maintenance_status": "tenant",
    "client_update": "client",
    "rca": "client",
}
"""Whose updates an obligation repeats: words written for the team never leave the house."""

PURPOSES: dict[ObligationKind, Purpose] = {"incident_call": "call", "rca": "rca_status"}
"""What the message of an obligation is for, where it is not ``status``."""


@dataclass(frozen=True)
class Came:
    """An obligation's time came: the obligation after it, and how it ended."""

    obligation: Obligation
    outcome: Outcome
    late_by: timedelta | None


@dataclass(frozen=True)
class News:
    """What there is to say: a person's words that this audience has not had yet, else since when nothing was new."""

    words: str | None
    since: datetime


def applies(kind: ObligationKind, incident: Incident) -> bool:
    """Whether an incident has this obligation at all: tenants hear the maintenance status in place of the tenant status."""
    if kind == "maintenance_status":
        return incident.category == "maintenance"
    if kind == "tenant_status":
        return incident.category != "maintenance"
    return True


def at_opening(clocks: Clocks, incident: Incident) -> tuple[Obligation, ...]:
    """The obligations that begin with the incident; the RCA begins when it is over."""
    return tuple(
        _fresh(policy, runs_from(incident, policy.kind))
        for policy in clocks.obligations
        if policy.kind != "rca" and applies(policy.kind, incident)
    )


def at_resolve(clocks: Clocks, incident: Incident, now: datetime) -> tuple[Obligation, ...]:
    """The obligations once the incident is over: waived, and the RCA due, unless it was a false positive or a maintenance."""
    rest = tuple(waived(obligation) for obligation in incident.obligations)
    policy = clocks.of("rca")
    if policy is None or incident.verdict == "false_positive" or incident.category == "maintenance":
        return rest
    return (*rest, _fresh(policy, now))


def come_due(obligation: Obligation, grace: timedelta, now: datetime) -> Came:
    """What becomes of an obligation whose time has come: the system sends what it owes; what a person owes was missed."""
    if obligation.due_at is None:
        raise ValueError(f"{obligation.kind} is not due")
    late = late_by(obligation.due_at, now, grace)
    following = now + obligation.every
    if obligation.owed_by == "person":
        after = obligation.model_copy(update={"state": "late", "due_at": following, "late_by": now - obligation.due_at})
        return Came(after, "missed", late)
    after = obligation.model_copy(
        update={
            "state": "late" if late else "sent",
            "due_at": following,
            "last_sent_at": now,
            "late_by": late,
            "count": obligation.count + 1,
        }
    )
    return Came(after, "sent_late" if late else "sent_on_time", late)


def kept_by_update(
    obligations: Sequence[Obligation], audiences: Collection[Audience], now: datetime
) -> tuple[Obligation, ...]:
    """The obligations that an update to ``audiences`` keeps, set forward; the others are not in the answer."""
    kinds = {kind for audience in audiences for kind in KEPT_BY[audience]}
    return tuple(
        _set_forward(obligation, now)
        for obligation in obligations
        if obligation.kind in kinds and obligation.due_at is not None
    )


def retimed(before: Incident, after: Incident, now: datetime) -> tuple[Obligation, ...]:
    """The obligations once the window moved: what runs goes on; what has not begun, or waits again, counts from the new window."""
    return tuple(
        _counted_anew(each, runs_from(before, each.kind), runs_from(after, each.kind), now)
        for each in after.obligations
    )


def waived(obligation: Obligation) -> Obligation:
    """The obligation once nobody owes it any more; one that was kept for good stays kept."""
    if obligation.due_at is None:
        return obligation
    return obligation.model_copy(update={"state": "waived", "due_at": None})


def kept_for_good(obligation: Obligation, now: datetime) -> Obligation:
    """The obligation once what it promised was issued."""
    return obligation.model_copy(
        update={"state": "sent", "due_at": None, "last_sent_at": now, "late_by": None, "count": obligation.count + 1}
    )


def remind_at(obligation: Obligation, policy: ObligationPolicy) -> datetime | None:
    """When the one who owes it is reminded, if ever."""
    if policy.remind_before is None or obligation.due_at is None:
        return None
    return obligation.due_at - policy.remind_before


def news(obligation: Obligation, newest: Update | None, opened_at: datetime) -> News:
    """What the message of an obligation can say, ``newest`` being the newest update that was written for its audience."""
    if newest is None:
        return News(None, opened_at)
    unsent = obligation.last_sent_at is None or newest.at > obligation.last_sent_at
    return News(newest.text if unsent else None, newest.at)


def with_owner(roles: Sequence[RoleRef], incident: Incident) -> tuple[RoleRef, ...]:
    """``roles`` with ``owner`` replaced by who acknowledged the incident, else by who heard of it first."""
    actor = incident.acknowledged_by
    owner: tuple[RoleRef, ...] = (f"person:{actor.id}",) if actor and actor.kind == "person" else ("first",)
    found = [ref for role in roles for ref in (owner if role == OWNER else (role,))]
    return tuple(dict.fromkeys(found))


def replaced(obligations: Sequence[Obligation], changed: Sequence[Obligation]) -> tuple[Obligation, ...]:
    """``obligations`` with those of the same kind as one in ``changed`` exchanged for it."""
    by_kind = {obligation.kind: obligation for obligation in changed}
    return tuple(by_kind.get(obligation.kind, obligation) for obligation in obligations)


def _fresh(policy: ObligationPolicy, start: datetime) -> Obligation:
    return Obligation(
        kind=policy.kind, state="due", owed_by=policy.owed_by, due_at=start + policy.every, every=policy.every
    )


def _counted_anew(obligation: Obligation, old: datetime, new: datetime, now: datetime) -> Obligation:
    if obligation.due_at is None or old == new or max(old, new) <= now:
        return obligation
    start = max(new, now)
    return obligation.model_copy(update={"state": "due", "due_at": start + obligation.every, "late_by": None})


def _set_forward(obligation: Obligation, now: datetime) -> Obligation:
    """Due a full period from now; what is not due for longer than that, such as during a maintenance to come, is not pulled nearer."""
    missed_at = obligation.due_at - obligation.every if obligation.state == "late" and obligation.due_at else None
    owed_late = obligation.owed_by == "person" and missed_at is not None
    return obligation.model_copy(
        update={
            "state": "sent",
            "due_at": max(now + obligation.every, obligation.due_at or now),
            "last_sent_at": now,
            "late_by": now - missed_at if owed_late and missed_at else None,
            "count": obligation.count + 1,
        }
    )
