"""What a message says: the sentences for each purpose, decided here and only laid out by the templates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from libs.common.events.base import TICKET, Link, ObligationKind
from libs.common.events.incidents import Incident, Purpose
from libs.common.events.notifications import NotificationRequested, Recipient

OBLIGATIONS: Final[Mapping[ObligationKind, str]] = {
    "team_status": "team status",
    "client_update": "client update",
    "tenant_status": "status",
    "maintenance_status": "maintenance status",
    "incident_call": "incident call",
    "rca": "root cause analysis",
}

_CAUSES: Final[Mapping[str, str]] = {
    "opened": "the incident just opened",
    "unacknowledged": "nobody has acknowledged it so far",
    "nobody_found": "the rung before found nobody",
    "unreachable": "nobody of the rung before could be reached",
    "escalated_by_hand": "somebody escalated it by hand",
    "repeated": "the ladder starts over",
}

_SIGNIFICANT: Final = timedelta(minutes=1)
"""Lateness below this is not worth a sentence."""


WINDOW_OVER: Final = "window_over"
"""The reason of the reminder that asks a team whether its maintenance is over."""

UNNAMED: Final = "An incident"
"""What clients are told it is about where nobody said: an alert's own words are for the house."""


@dataclass(frozen=True)
class Wording:
    """One message in sentences, before a template lays it out. Empty fields have nothing to say."""

    purpose: Purpose
    number: int | None
    title: str
    headline: str
    """The subject line."""
    lead: str
    """The one sentence that must be read."""
    words: str = ""
    """A person's own words."""
    promise: str = ""
    late: str = ""
    why: str = ""
    """Why this recipient gets it."""
    action: str = ""
    """What to do."""
    reply: str = ""
    """What to answer, on a channel that takes answers."""
    link: str = ""
    checks: tuple[Link, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    recipient: str = ""
    code: str = ""
    """The code in ``lead``, where there is one."""

    def held(self, since: datetime, now: datetime) -> "Wording":
        """The same, saying that it waited for the end of quiet hours."""
        return replace(self, late=f"{self.late} Held in your quiet hours since {moment(since, now)}.".strip())

    def shortened(self, title: str, words: str) -> "Wording":
        """The same with less of title and words."""
        return replace(self, title=title, words=words)


@dataclass(frozen=True)
class Places:
    """Where links lead: ``incident`` has ``{number}`` and ``{id}`` for people of the house, ``public`` is for everybody else."""

    incident: str
    public: str


def is_outside(recipient: Recipient) -> bool:
    """Whether the recipient is a tenant's contact, or a ticket: who reads that neither acts on incidents nor sees the console."""
    return not from_the_house(recipient.ref)


def from_the_house(ref: str) -> bool:
    """Whether a recipient's reference is that of somebody of the house, who may answer."""
    return not ref.startswith(("contact:", TICKET))


def all_tickets(request: NotificationRequested) -> bool:
    """Whether nobody is told but tickets: that a comment failed is told of the attempt, and nobody waits for it."""
    return bool(request.recipients) and all(one.ref.startswith(TICKET) for one in request.recipients)


def moment(at: datetime, now: datetime) -> str:
    """``14:30 UTC``, with the day where it is another than today's."""
    clock = f"{at:%H:%M} UTC"
    return clock if at.date() == now.date() else f"{clock} on {at.day} {at:%b}"


def span(duration: timedelta) -> str:
    """A duration as a person says it: ``7 min``, ``2 h 5 min``, ``1 day``."""
    minutes = int(duration.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} day{'s' if days > 1 else ''}" + (f" {hours} h" if hours else "")


def word(request: NotificationRequested, recipient: Recipient, places: Places, now: datetime) -> Wording:
    """The message to ``recipient``, as of ``now``."""
    incident = request.incident
    outside = is_outside(recipient)
    title = request.title or (incident.title if incident else "Notice")
    if outside:
        title = request.public_title or UNNAMED
    number = incident.number if incident else None
    return Wording(
        purpose=request.purpose,
        number=number,
        title=title,
        headline=headline(request, title, number),
        lead=lead(request, now),
        words=request.words or "",
        promise=promise(request, now),
        late=late(request),
        why=why(request, recipient),
        action="" if outside else action(request, number),
        reply=f"Reply ACK {number}." if request.purpose == "page" and number is not None and not outside else "",
        link=_link(incident, places, outside=outside),
        checks=() if outside else request.links or (incident.links if incident else ()),
        facts=() if incident is None else _facts(incident, now, outside=outside),
        recipient=recipient.name,
        code=request.code or "",
    )


def headline(request: NotificationRequested, title: str, number: int | None) -> str:
    """The subject line: number and title first, so that a mailbox sorts and threads by them."""
    name = f"[#{number}] {title}" if number is not None else title
    label = {
        "page": "P1 page",
        "reminder": f"{_owed(request)} due soon",
        "missed": f"{_owed(request)} missed",
        "status": "no change",
        "update": "update",
        "call": "incident call",
        "rca_status": "root cause analysis: status",
        "closing": _ending(request.incident),
        "notice": "",
        "verification": "",
    }[request.purpose]
    if request.purpose == "status" and request.words:
        label = "update"
    if request.reason == WINDOW_OVER:
        label = "is it over?"
    return f"{name} - {label}" if label else name


def lead(request: NotificationRequested, now: datetime) -> str:
    """The sentence that must be read, by purpose. A status never invents progress."""
    match request.purpose:
        case "page":
            cause = _CAUSES.get(request.reason or "", "")
            return f"You are needed: {cause}." if cause else "You are needed."
        case "reminder" | "missed" | "call":
            return _about_due(request, now)
        case "verification":
            return _code(request, now)
        case "status" | "rca_status" if not request.words:
            return _without_news(request, now)
        case "closing":
            return _closing(request.incident, now)
        case _:
            return ""


def _without_news(request: NotificationRequested, now: datetime) -> str:
    if request.purpose == "rca_status":
        return "The root cause analysis is not issued yet."
    return f"No change since {moment(request.since, now)}." if request.since else "No change so far."


def _code(request: NotificationRequested, now: datetime) -> str:
    until = f" It is good until {moment(request.due_at, now)}." if request.due_at else ""
    return f"Your Tocsin code is {request.code}.{until} Give it where you asked for it, and to nobody else."


def _about_due(request: NotificationRequested, now: datetime) -> str:
    """The sentence about what is, or was, due."""
    owed, due = _owed(request), request.due_at
    if request.reason == WINDOW_OVER:
        return f"It was planned to end by {moment(due, now)}: is it over?" if due else "Is it over?"
    if request.purpose == "call":
        return f"Incident call at {moment(due, now)}." if due and due > now else "Incident call now."
    if request.purpose == "reminder":
        return f"The {owed} is due by {moment(due, now)}." if due else f"The {owed} is due soon."
    return f"The {owed} that was due by {moment(due, now)} is missing." if due else f"The {owed} is missing."


def promise(request: NotificationRequested, now: datetime) -> str:
    """When the next message comes, where one was promised."""
    if request.next_by is None or request.purpose == "closing":
        return ""
    if request.purpose == "call":
        return f"Next call by {moment(request.next_by, now)}."
    return f"Next update by {moment(request.next_by, now)}."


def late(request: NotificationRequested) -> str:
    """That this message comes late, where it does."""
    if request.late_by is None or request.late_by < _SIGNIFICANT:
        return ""
    return f"This comes {span(request.late_by)} late."


def why(request: NotificationRequested, recipient: Recipient) -> str:
    """Why this recipient gets it: role, rung, and in whose place."""
    if request.purpose == "verification":
        return f"Sent to {recipient.name} since somebody asked for a code"
    role = ROLES.get(recipient.role) or _named(recipient.role)
    parts = [f"as {role}"]
    if recipient.backup_for:
        parts.append(f"in place of {recipient.backup_for}")
    if request.rung is not None:
        rung = f"rung {request.rung}"
        parts.append(f"{rung} ({request.rung_name})" if request.rung_name else rung)
    return f"Sent to {recipient.name} " + ", ".join(parts)


ROLES: Final[Mapping[str, str]] = {
    "on-shift": "the one on shift",
    "service-responsible": "responsible for the service",
    "pm": "PM",
    "tool-pm": "PM of the tool",
    "maintenance-team": "part of the maintenance team",
    "tenant-contacts": "the tenant's contact",
    "client-contacts": "the client's contact",
    "first": "the first to hear of it",
    "tickets": "a ticket of the incident",
}


def action(request: NotificationRequested, number: int | None) -> str:
    """What a person of the house should do."""
    if number is None:
        return ""
    match request.purpose:
        case "page":
            return "Acknowledge it in the incident."
        case "reminder" if request.reason == WINDOW_OVER:
            return "Resolve it if it is over; else move its end, or say in the incident how long it lasts."
        case "reminder" | "missed":
            return "Post it in the incident."
        case "call":
            return "Join from the incident."
        case _:
            return ""


def _named(ref: str) -> str:
    kind, _, name = ref.partition(":")
    return f"{kind} {name}" if name else kind


def _owed(request: NotificationRequested) -> str:
    return OBLIGATIONS[request.obligation] if request.obligation else "update"


def _ending(incident: Incident | None) -> str:
    if incident and incident.verdict == "false_positive":
        return "false alarm"
    if incident and incident.maintenance:
        return "called off" if incident.maintenance.state == "cancelled" else "over"
    return "resolved"


def _closing(incident: Incident | None, now: datetime) -> str:
    if incident is None:
        return "This is over."
    if incident.verdict == "false_positive":
        return "This was a false alarm. Nothing more to do."
    if incident.resolved_at is None:
        return "This is over. No further messages will come."
    if incident.maintenance and incident.maintenance.state == "cancelled":
        return f"Called off at {moment(incident.resolved_at, now)}. Nothing more to do."
    if incident.maintenance:
        return f"Over at {moment(incident.resolved_at, now)}."
    took = span(incident.resolved_at - incident.opened_at)
    return f"Resolved at {moment(incident.resolved_at, now)} after {took}."


def _link(incident: Incident | None, places: Places, *, outside: bool) -> str:
    if outside:
        return places.public
    return "" if incident is None else places.incident.format(number=incident.number, id=incident.id)


def _facts(incident: Incident, now: datetime, *, outside: bool) -> tuple[tuple[str, str], ...]:
    facts = [("Since", moment(incident.opened_at, now))]
    if not outside:
        facts.append(("What", incident.category.replace("_", " ")))
        named = (("Service", incident.service), ("Tool", incident.tool), ("Provider", incident.provider))
        facts += [(label, value) for label, value in named if value]
    if incident.window:
        end = f" to {moment(incident.window.ends_at, now)}" if incident.window.ends_at else ", end not known yet"
        facts.append(("Window", f"{moment(incident.window.starts_at, now)}{end}"))
    if not outside and incident.acknowledged_by:
        facts.append(("Acknowledged by", incident.acknowledged_by.name))
    if not outside and incident.description:
        facts.append(("Description", incident.description[:600]))
    return tuple(facts)
