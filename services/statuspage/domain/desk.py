"""The operators' console as data: what burns, who is being told, what is due, and what an action would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs.common.events.base import ObligationKind, Severity
from libs.common.events.incidents import Incident, Obligation
from services.statuspage.domain import climb, words
from services.statuspage.domain.fold import Message, is_open
from services.statuspage.domain.promise import GRACE, pending

SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "error", "warning", "info")
OBLIGATIONS: Final[Mapping[ObligationKind, str]] = {
    "team_status": "Team status",
    "client_update": "Client update",
    "tenant_status": "Tenant status",
    "maintenance_status": "Maintenance status",
    "incident_call": "Incident call",
    "rca": "Root cause analysis",
}


@dataclass(frozen=True)
class Clock:
    """One promise with its due time."""

    kind: ObligationKind
    label: str
    owner: str
    due_at: datetime | None
    late: bool
    state: str
    every: str
    note: str


@dataclass(frozen=True)
class Reached:
    """Somebody who got a message, by how many ways and when last."""

    ref: str
    name: str
    role: str
    backup_for: str | None
    channels: tuple[str, ...]
    state: str
    at: datetime
    acknowledged: bool


@dataclass(frozen=True)
class Burning:
    """One open incident on the home page."""

    incident: Incident
    text: str
    rung: str
    paged: tuple[str, ...]
    next: Clock | None


@dataclass(frozen=True)
class Actions:
    """Which actions make sense now."""

    acknowledge: bool
    verdict: bool
    update: bool
    escalate: bool
    resolve: bool
    rca: bool


def burning(incident: Incident, text: str, paged: tuple[str, ...], now: datetime) -> Burning:
    """An open incident in a line: where its ladder stands, who was paged, what is due next."""
    if incident.state == "acknowledged":
        by = incident.acknowledged_by
        rung = f"Taken by {by.name}" if by else "Taken"
    elif incident.rung:
        step = next((rung for rung in incident.rungs if rung.number == incident.rung), None)
        rung = f"Rung {incident.rung} of {len(incident.rungs)}" + (f", {step.name}" if step and step.name else "")
    else:
        rung = "Nobody paged yet"
    return Burning(incident, text, rung, paged, next_clock(incident, now))


def summary(rows: Sequence[Burning]) -> str:
    """The console's first line."""
    if not rows:
        return "Nothing burns"
    waiting = sum(row.incident.state == "open" for row in rows)
    text = f"{words.capital(words.counted(len(rows), 'incident'))} {'is' if len(rows) == 1 else 'are'} open"
    if not waiting:
        return f"{text}, and somebody is on {'it' if len(rows) == 1 else 'each'}"
    if waiting == len(rows):
        return f"{text}, and nobody has taken {'it' if len(rows) == 1 else 'any'}"
    return f"{text}; nobody has taken {words.number(waiting)} of them"


def actions(incident: Incident, *, may_act: bool) -> Actions:
    """What can be done with an incident as it is."""
    alive = may_act and is_open(incident)
    return Actions(
        acknowledge=alive and incident.state == "open",
        verdict=alive and incident.verdict is None,
        update=alive,
        escalate=alive and climb.by_hand(incident) is not None,
        resolve=alive,
        rca=may_act and incident.state == "resolved" and incident.verdict != "false_positive",
    )


def effect(action: str, incident: Incident, told: int, escalation: str, now: datetime) -> str:
    """What an action will do, said before it is done; ``escalation`` is what :func:`climb.escalation` says."""
    those = f"the {words.counted(told, 'person', 'people')} who {'was' if told == 1 else 'were'} reached"
    closing = (
        f"Sends the closing word to {those}, and to nobody else."
        if told
        else "Nobody was reached, so that nobody is told."
    )
    match action:
        case "escalate":
            return escalation
        case "resolve":
            rca = "" if incident.category == "maintenance" else " The root cause analysis is due within 24 hours."
            return f"Ends the incident. {closing}{rca}"
        case "verdict":
            return f"A false positive ends the incident. {closing}"
        case "rca":
            return f"Sends the link to those who were promised it, and ends the daily status of it.{_rca_due(incident, now)}"
        case _:
            return "Goes on the record at once, and sets the promise of each audience forward."


def update_promises(incident: Incident, now: datetime) -> Mapping[str, datetime]:
    """By when each audience is promised the next word if an update goes out now."""
    kinds: dict[ObligationKind, str] = {
        "team_status": "team",
        "tenant_status": "tenant",
        "maintenance_status": "tenant",
        "client_update": "client",
    }
    return {kinds[one.kind]: now + one.every for one in pending(incident) if one.kind in kinds}


def matches(incident: Incident, text: str, query: str, state: str) -> bool:
    """Whether an incident belongs into a list that was filtered: every word of the query is found in it."""
    if state != "all" and (state == "open") != is_open(incident):
        return False
    haystack = (
        f"#{incident.number} {incident.title} {text} {incident.service or ''} {' '.join(incident.tenants)}".lower()
    )
    return all(word in haystack for word in query.lower().split())


def worst_first(incidents: Sequence[Incident]) -> list[Incident]:
    """Open incidents: those that nobody took first, then the worst, then the oldest."""
    alive = [incident for incident in incidents if is_open(incident)]
    return sorted(alive, key=lambda i: (i.state == "acknowledged", SEVERITIES.index(i.severity), i.opened_at))


def clocks(incident: Incident, now: datetime) -> tuple[Clock, ...]:
    """The promises of an incident: those still running by due time, then the others."""
    running = pending(incident)
    rest = [obligation for obligation in incident.obligations if obligation not in running]
    return tuple(_clock(obligation, now) for obligation in (*running, *rest))


def next_clock(incident: Incident, now: datetime) -> Clock | None:
    """What is due next."""
    running = pending(incident)
    return _clock(running[0], now) if running else None


def reached(incident: Incident, messages: Sequence[Message], names: Mapping[str, str]) -> tuple[Reached, ...]:
    """Everybody to whom something was sent, the latest first; who acknowledged is marked."""
    by_person: dict[str, list[Message]] = {}
    for message in messages:
        by_person.setdefault(message.recipient, []).append(message)
    taken = incident.acknowledged_by
    people = [
        _reached(ref, found, {taken.id, f"person:{taken.id}"} if taken else set(), names)
        for ref, found in by_person.items()
    ]
    return tuple(sorted(people, key=lambda person: (not person.acknowledged, -person.at.timestamp())))


def _rca_due(incident: Incident, now: datetime) -> str:
    """By when it is owed, where it is."""
    owed = next((one.due_at for one in pending(incident) if one.kind == "rca"), None)
    return f" Due by {words.moment(owed, now)}, {words.relative(owed, now)}." if owed else ""


def _clock(obligation: Obligation, now: datetime) -> Clock:
    due = obligation.due_at if obligation.state != "waived" else None
    late = due is not None and now - due >= GRACE
    if obligation.state == "waived":
        note = "no longer owed"
    elif due is None:
        note = "kept"
    elif obligation.count:
        note = f"sent {words.times(obligation.count)}"
        if obligation.state == "late" and obligation.late_by:
            note += f", the last one {words.span(obligation.late_by)} late"
    elif obligation.state == "late":
        note = "the last one was missed"
    else:
        note = "not sent yet"
    owner = "the team" if obligation.owed_by == "person" else "Tocsin"
    every = words.short_span(obligation.every) if obligation.every > timedelta(0) else ""
    return Clock(obligation.kind, OBLIGATIONS[obligation.kind], owner, due, late, obligation.state, every, note)


def _reached(ref: str, messages: Sequence[Message], takers: set[str], names: Mapping[str, str]) -> Reached:
    newest = max(messages, key=lambda message: message.at)
    return Reached(
        ref=ref,
        name=newest.name,
        role=_role(ref, messages, names),
        backup_for=newest.backup_for,
        channels=tuple(dict.fromkeys(message.channel for message in messages)),
        state=newest.state,
        at=newest.at,
        acknowledged=ref in takers,
    )


def _role(ref: str, messages: Sequence[Message], names: Mapping[str, str]) -> str:
    """As what they were told last; a closing word goes to them by themselves, which says nothing."""
    roles = [one.role for one in sorted(messages, key=lambda message: message.at) if one.role != ref]
    return words.reference(roles[-1], names) if roles else ""
