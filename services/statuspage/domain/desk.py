"""The operators' console as data: what burns, who is being told, what is due, and what an action would do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from libs.common.events.base import ObligationKind, Severity
from libs.common.events.deliveries import Addressee
from libs.common.events.incidents import Incident, Obligation, Rung
from libs.common.events.notifications import Skipped
from services.statuspage.domain import words
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
REASONS: Final[Mapping[str, str]] = {
    "opened": "the incident was opened",
    "unacknowledged": "nobody had acknowledged it in time",
    "nobody_found": "nobody could be found for the rung before",
    "unreachable": "nobody of the rung before could be reached",
    "escalated_by_hand": "a person asked for it",
    "repeated": "the ladder started over",
    "source_resolved": "its source says that it is over",
    "no_contact": "there is no way to reach them",
    "nobody_on_shift": "nobody is on shift",
    "role_vacant": "nobody holds the role",
    "channel_is_the_incident": "the channel's own provider is the incident",
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
class Told:
    """Who a notification was for, and who was left out and why."""

    rung: int | None
    at: datetime
    addressees: tuple[Addressee, ...]
    skipped: tuple[Skipped, ...]
    exhausted: str = ""


@dataclass(frozen=True)
class Step:
    """One rung of the ladder as the console draws it."""

    number: int
    name: str
    who: str
    state: Literal["done", "current", "next", "later", "off"]
    at: datetime | None
    """When it fired, or when it is due."""
    reason: str
    people: tuple[str, ...]
    skipped: tuple[str, ...]


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


def burning(incident: Incident, text: str, messages: Sequence[Message], now: datetime) -> Burning:
    """An open incident in a line: where its ladder stands, who was paged, what is due next."""
    if incident.state == "acknowledged":
        by = incident.acknowledged_by
        rung = f"Taken by {by.name}" if by else "Taken"
    elif incident.rung:
        step = next((rung for rung in incident.rungs if rung.number == incident.rung), None)
        rung = f"Rung {incident.rung} of {len(incident.rungs)}" + (f", {step.name}" if step and step.name else "")
    else:
        rung = "Nobody paged yet"
    return Burning(incident, text, rung, paged(messages), next_clock(incident, now))


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
        escalate=alive and next_rung(incident) is not None,
        resolve=alive,
    )


def effect(action: str, incident: Incident, told: int, names: Mapping[str, str]) -> str:
    """What an action will do, said before it is done."""
    those = f"the {words.counted(told, 'person', 'people')} who {'was' if told == 1 else 'were'} reached"
    closing = (
        f"Sends the closing word to {those}, and to nobody else."
        if told
        else "Nobody was reached, so that nobody is told."
    )
    match action:
        case "escalate":
            rung = next_rung(incident)
            return f"Pages {rung_people(rung, names)} now." if rung else "There is no rung left to page."
        case "resolve":
            rca = "" if incident.category == "maintenance" else " The root cause analysis is due within 24 hours."
            return f"Ends the incident. {closing}{rca}"
        case "verdict":
            return f"A false positive ends the incident. {closing}"
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


def reason_text(reason: str | None) -> str:
    """Why, in words; an unknown reason is made readable."""
    if not reason:
        return ""
    return REASONS.get(reason) or reason.replace("_", " ")


def clocks(incident: Incident, now: datetime) -> tuple[Clock, ...]:
    """The promises of an incident: those still running by due time, then the others."""
    running = pending(incident)
    rest = [obligation for obligation in incident.obligations if obligation not in running]
    return tuple(_clock(obligation, now) for obligation in (*running, *rest))


def next_clock(incident: Incident, now: datetime) -> Clock | None:
    """What is due next."""
    running = pending(incident)
    return _clock(running[0], now) if running else None


def ladder(incident: Incident, told: Sequence[Told], names: Mapping[str, str]) -> tuple[Step, ...]:
    """The rungs: what was done, where it stands, what comes next unless somebody acknowledges."""
    climbing = incident.state == "open" and is_open(incident)
    return tuple(_step(rung, incident.rung, climbing, told, names) for rung in incident.rungs)


def next_rung(incident: Incident) -> Rung | None:
    """The rung that escalating by hand would fire: the one after the last that fired."""
    return next((rung for rung in incident.rungs if rung.number > incident.rung), None)


def rung_people(rung: Rung, names: Mapping[str, str]) -> str:
    """Whom a rung pages, in words: ``the CAO and the Head of Engineering``."""
    return words.listed([words.reference(ref, names) for ref in rung.roles])


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


def paged(messages: Sequence[Message]) -> tuple[str, ...]:
    """The names of those who were paged, the latest first, each once."""
    pages = sorted(
        (m for m in messages if m.purpose == "page" and m.state in {"sent", "confirmed"}),
        key=lambda m: m.at,
        reverse=True,
    )
    return tuple(dict.fromkeys(message.name for message in pages))


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


def _step(rung: Rung, last: int, climbing: bool, told: Sequence[Told], names: Mapping[str, str]) -> Step:
    here = [one for one in told if one.rung == rung.number]
    state: Literal["done", "current", "next", "later", "off"]
    if rung.fired_at:
        state = "current" if rung.number == last else "done"
    elif not climbing or rung.state == "cancelled":
        state = "off"
    else:
        state = "next" if rung.number == last + 1 else "later"
    people = dict.fromkeys(
        f"{one.name} (for {one.backup_for})" if one.backup_for else one.name for t in here for one in t.addressees
    )
    skipped = dict.fromkeys(f"{one.name}: {one.detail or reason_text(one.reason)}" for t in here for one in t.skipped)
    return Step(
        rung.number, rung.name, words.capital(rung_people(rung, names)), state, rung.fired_at or rung.due_at,
        reason_text(rung.reason) if rung.fired_at and rung.reason not in {"opened", "unacknowledged"} else "", tuple(people), tuple(skipped),
    )  # fmt: skip


def _reached(ref: str, messages: Sequence[Message], takers: set[str], names: Mapping[str, str]) -> Reached:
    newest = max(messages, key=lambda message: message.at)
    return Reached(
        ref=ref,
        name=newest.name,
        role=words.reference(newest.role, names),
        backup_for=newest.backup_for,
        channels=tuple(dict.fromkeys(message.channel for message in messages)),
        state=newest.state,
        at=newest.at,
        acknowledged=ref in takers,
    )
