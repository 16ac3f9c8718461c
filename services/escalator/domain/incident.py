"""The state machine of an incident: open → acknowledged → resolved, with a verdict beside it.

Each move answers :class:`Moved` with the incident after it, or :class:`Unmoved` where that was so already (a repeat is harmless). A move that
the state does not allow raises :class:`~libs.common.errors.Conflict`, whose sentence says what to do instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from libs.common.errors import Conflict
from libs.common.events.base import Actor, Link, Severity, Ticket, TriggerKind, Verdict, Window
from libs.common.events.incidents import Incident, Rung, Update
from libs.common.events.triggers import MaintenanceEnding
from services.escalator.domain import maintenance, obligations
from services.escalator.domain.ladder import stopped
from services.escalator.domain.policies import Clocks
from services.escalator.domain.routing import Routed
from services.escalator.domain.timeline import clock_time

MovedReason = Literal[
    "acknowledged",
    "resolved_by_hand",
    "source_resolved",
    "alert_withdrawn",
    "maintenance_over",
    "maintenance_cancelled",
    "false_positive",
    "confirmed",
    "update_posted",
    "rca_issued",
]
EndReason = Literal["resolved_by_hand", "source_resolved", "alert_withdrawn"]
"""By a person · its source says that all is well again · nobody waits any more for what it was about, which says nothing of how that is."""
UnmovedReason = Literal["acknowledged_already", "resolved_already", "same_verdict", "same_update", "same_rca"]

REPEAT_WITHIN = timedelta(minutes=2)
"""The same words from the same person within this time are one update that was sent twice."""

_WORST_FIRST: tuple[Severity, ...] = ("critical", "error", "warning", "info")


@dataclass(frozen=True)
class Moved:
    """The incident after a move, and why it moved."""

    incident: Incident
    reason: MovedReason


@dataclass(frozen=True)
class Unmoved:
    """The incident is so already; nothing is to be told."""

    reason: UnmovedReason


Move = Moved | Unmoved


@dataclass(frozen=True)
class Report:
    """What somebody, or something, says has happened: all that an incident is made of when it opens."""

    kind: TriggerKind
    title: str
    description: str = ""
    severity: Severity = "critical"
    source: str = ""
    service: str | None = None
    tool: str | None = None
    provider: str | None = None
    tenants: tuple[str, ...] = ()
    assigned_team: str | None = None
    window: Window | None = None
    links: tuple[Link, ...] = ()
    integration: str | None = None
    services: tuple[str, ...] = ()
    """Every service concerned, where more than ``service`` is."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the sender says besides; the routing rules can ask for it."""
    ticket: Ticket | None = None


def opened(
    incident_id: UUID, number: int, report: Report, routed: Routed, rungs: tuple[Rung, ...], ladder: str, now: datetime
) -> Incident:
    """A new incident before its first fact: version 0, no obligations yet."""
    return Incident(
        id=incident_id,
        number=number,
        version=0,
        title=report.title,
        description=report.description,
        state="open",
        kind=report.kind,
        category=routed.category,
        severity=report.severity,
        service=report.service,
        services=report.services,
        tool=report.tool,
        provider=report.provider,
        tenants=report.tenants,
        assigned_team=report.assigned_team,
        window=report.window,
        first=routed.first,
        route=routed.rule,
        source=report.source,
        links=report.links,
        tickets=(report.ticket,) if report.ticket else (),
        opened_at=now,
        ladder=ladder,
        rungs=rungs,
    )


def widened(incident: Incident, report: Report) -> Incident:
    """The incident after one more alert joined: it is as bad as its worst alert, and concerns every tenant that one of them does."""
    everyone = not incident.tenants or not report.tenants
    tenants = () if everyone else tuple(dict.fromkeys((*incident.tenants, *report.tenants)))
    severity = min(incident.severity, report.severity, key=_WORST_FIRST.index)
    return incident.model_copy(update={"tenants": tenants, "severity": severity})


def with_ticket(incident: Incident, ticket: Ticket | None) -> Incident:
    """The incident, knowing this ticket too, and as its helpdesk told it last."""
    if ticket is None:
        return incident
    tickets = {each.ref: each for each in incident.tickets} | {ticket.ref: ticket}
    return incident.model_copy(update={"tickets": tuple(tickets.values())})


def acknowledge(incident: Incident, actor: Actor, now: datetime) -> Move:
    """Somebody takes the incident: the ladder stops for everyone."""
    if incident.state == "resolved":
        raise Conflict(
            f"Incident {incident.number} is over since {_since(incident.resolved_at, now)}; there is nothing to acknowledge."
        )
    if incident.state == "acknowledged":
        holder = incident.acknowledged_by
        if holder and (holder.kind, holder.id) == (actor.kind, actor.id):
            return Unmoved("acknowledged_already")
        name = holder.name if holder else "somebody"
        raise Conflict(
            f"{name} has incident {incident.number} since {_since(incident.acknowledged_at, now)}; "
            "write an update to say that you are on it too."
        )
    taken = {"state": "acknowledged", "acknowledged_at": now, "acknowledged_by": actor}
    return Moved(stopped(incident.model_copy(update=taken)), "acknowledged")


def resolve(
    incident: Incident,
    actor: Actor,
    now: datetime,
    clocks: Clocks,
    reason: EndReason,
    ending: MaintenanceEnding | None = None,
) -> Move:
    """The incident is over: nothing further fires, what was promised is waived, the RCA is owed.

    ``ending`` is how a maintenance ended, where somebody says so; that is its reason then.
    """
    if incident.state == "resolved":
        return Unmoved("resolved_already")
    over = _over(incident, actor, now, clocks, ending)
    if over.maintenance is not None:
        return Moved(over, "maintenance_cancelled" if over.maintenance.state == "cancelled" else "maintenance_over")
    return Moved(over, reason)


def judge(incident: Incident, verdict: Verdict, actor: Actor, now: datetime, clocks: Clocks) -> Move:
    """A verdict: ``confirmed`` changes nothing else; ``false_positive`` ends the incident, also the RCA of one that is over."""
    if incident.verdict == verdict:
        return Unmoved("same_verdict")
    judged = incident.model_copy(update={"verdict": verdict})
    if verdict == "confirmed":
        if incident.state == "resolved" and incident.verdict == "false_positive":
            raise Conflict(
                f"Incident {incident.number} was closed as a false positive; open a new incident if it is real after all."
            )
        return Moved(judged, "confirmed")
    if incident.state == "resolved":
        rest = tuple(obligations.waived(obligation) for obligation in incident.obligations)
        return Moved(judged.model_copy(update={"obligations": rest}), "false_positive")
    return Moved(_over(judged, actor, now, clocks, "cancelled"), "false_positive")


def post(incident: Incident, update: Update) -> Move:
    """A person's words; the team is always told."""
    last = incident.last_update
    if (
        last is not None
        and (last.text, last.by, last.audiences) == (update.text, update.by, update.audiences)
        and update.at - last.at < REPEAT_WITHIN
    ):
        return Unmoved("same_update")
    public = update if {"tenant", "client"} & set(update.audiences) else incident.last_public_update
    kept = obligations.kept_by_update(incident.obligations, update.audiences, update.at)
    changed = {
        "last_update": update,
        "last_public_update": public,
        "obligations": obligations.replaced(incident.obligations, kept),
    }
    return Moved(incident.model_copy(update=changed), "update_posted")


def issue_rca(incident: Incident, url: str, now: datetime) -> Move:
    """The root cause analysis is there: its daily status ends. A better one may replace it."""
    if incident.state != "resolved":
        raise Conflict(
            f"Incident {incident.number} is not over yet; resolve it first, then issue its root cause analysis."
        )
    if incident.verdict == "false_positive":
        raise Conflict(f"Incident {incident.number} was a false positive; it needs no root cause analysis.")
    if incident.rca_url == url:
        return Unmoved("same_rca")
    kept = tuple(
        obligations.kept_for_good(each, now) if each.kind == "rca" and each.due_at else each
        for each in incident.obligations
    )
    return Moved(incident.model_copy(update={"rca_url": url, "obligations": kept}), "rca_issued")


def refuse_escalation(incident: Incident, now: datetime) -> None:
    """Raise :class:`Conflict` where there is nothing left to escalate."""
    if incident.state == "resolved":
        raise Conflict(
            f"Incident {incident.number} is over since {_since(incident.resolved_at, now)}; open a new one to page somebody."
        )


def _over(
    incident: Incident, actor: Actor, now: datetime, clocks: Clocks, ending: MaintenanceEnding | None
) -> Incident:
    ended = maintenance.ended(incident, ending, now)
    ended = ended.model_copy(update={"state": "resolved", "resolved_at": now, "resolved_by": actor})
    ended = ended.model_copy(update={"obligations": obligations.at_resolve(clocks, ended, now)})
    return stopped(ended)


def _since(moment: datetime | None, now: datetime) -> str:
    return clock_time(moment, now) if moment else "a while"
