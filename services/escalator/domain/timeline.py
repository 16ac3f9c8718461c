"""The sentences of the timeline: short, plain, and with times in UTC."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.common.channel_names import CHANNELS, channel
from libs.common.events.base import TICKET, Actor, ObligationKind, RoleRef, Ticket, Verdict, Window
from libs.common.events.deliveries import Addressee, DeliveryFailed, DeliverySent
from libs.common.events.incidents import Incident, Obligation, RungReason, Update
from libs.common.events.notifications import Skipped

KINDS: dict[ObligationKind, str] = {
    "team_status": "team status",
    "client_update": "client update",
    "tenant_status": "tenant status",
    "maintenance_status": "maintenance status",
    "incident_call": "incident call",
    "rca": "RCA status",
}
_SKIPPED = {
    "nobody_on_shift": "nobody is on shift",
    "no_contact": "has no contact",
    "unknown_reference": "is not known in the configuration",
    "role_vacant": "is not filled",
    "absent": "is absent",
    "removed": "was removed",
}
_FAILED = {
    "channel_is_the_incident": "is not used, since this incident is about its own provider",
    "channel_not_configured": "is not configured",
    "invalid_address": "failed: the address is not valid",
    "opted_out": "failed: they opted out",
    "rejected": "failed: the provider rejected it",
    "provider_error": "failed: the provider reported an error",
    "provider_unreachable": "failed: the provider could not be reached",
    "provider_throttled": "failed: the provider takes no more for now",
    "timed_out": "failed: the provider did not answer in time",
    "undelivered": "failed: it was not delivered",
    "no_answer": "failed: nobody took the call",
    "voicemail": "failed: a machine took the call",
    "uncertain": "may not have gone out: Tocsin was interrupted while sending it",
}
_RUNG_REASONS: dict[RungReason, str] = {
    "opened": "the incident was opened",
    "unacknowledged": "nobody acknowledged in time",
    "nobody_found": "nobody was found for the rung before",
    "unreachable": "nobody of the rung before could be reached",
    "escalated_by_hand": "{actor} escalated",
    "repeated": "nobody acknowledged, so the ladder starts over",
}
_AUDIENCES = {"team": "the team", "tenant": "the tenants", "client": "the clients"}
_ROLES: dict[RoleRef, str] = {
    "pm": "the PM",
    "role:pm": "the PM",
    "role:helpdesk": "Helpdesk",
    "role:devops": "DevOps",
    "role:cao": "the CAO",
    "role:head-of-engineering": "the Head of Engineering",
    "role:coo": "the COO",
    "role:cto": "the CTO",
    "on-shift": "whoever is on shift",
    "first": "those who heard of it first",
    "service-responsible": "the service's responsible",
}


def clock_time(moment: datetime, now: datetime) -> str:
    """``09:15 UTC``, with the day before it where that is another one than today."""
    if moment.date() == now.date():
        return f"{moment:%H:%M} UTC"
    return f"{moment.day} {moment:%b %H:%M} UTC"


def duration(span: timedelta) -> str:
    """``40 seconds``, ``5 minutes``, ``2 h 5 min``."""
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{seconds} second{'s' if seconds != 1 else ''}"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} minute{'s' if minutes != 1 else ''}"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def opened(incident: Incident, actor: Actor, rule: str | None) -> str:
    """Who or what opened it, and by which routing rule it goes on."""
    routed = f"Routing rule: {rule.rstrip('.')}." if rule else "No routing rule matches, so the default route is taken."
    return f"{actor.name} opened the incident: {incident.title.rstrip('.')}. {routed}"


def attached(title: str, actor: Actor, *, how: str) -> str:
    """A trigger joined: ``how`` is the reason of the correlation."""
    if how == "repeat":
        return f"{actor.name} reported {title} again; nobody is paged for a repeat."
    if how == "refired":
        return f"{actor.name} reports that {title} fires again; nobody is paged anew."
    if how == "in_maintenance":
        return f"{actor.name} reported {title}; that is in maintenance, so nobody is paged while the window lasts."
    return f"{actor.name} reported {title} in the same message; it joined this incident."


def ticket_unchanged(ticket: Ticket, actor: Actor) -> str:
    """A ticket was posted again after its incident's end, and nothing about it is new."""
    return (
        f"{actor.name} posted ticket {ticket.name} again, as it was; it opens nothing. "
        "Reopen it there, or open an incident by hand, if the trouble is back."
    )


def released(count: int) -> str:
    """What was collected under a maintenance and still fires leaves it."""
    fires, page = ("alert still fires and pages", "it") if count == 1 else ("alerts still fire and page", "they")
    return f"{count} {fires} from now on: {page} came in during the maintenance, and it covers them no more."


def fires_since(since: datetime, number: int, now: datetime) -> str:
    """An incident opens of what was collected."""
    return (
        f"It fires since {clock_time(since, now)}; nobody was paged while the maintenance, incident {number}, lasted."
    )


NOT_WATCHED = "It is no longer watched; that is no word of it being well again."
"""What those outside are told of an incident that ends since nobody waits for its alert any more."""


def alert_over(title: str, actor: Actor, firing: int, withdrawn: str = "") -> str:
    """One alert ended. ``withdrawn``: why nobody waits for it any more, where it ended for that."""
    rest = f"{firing} still {'fires' if firing == 1 else 'fire'}" if firing else "none fires any more"
    if withdrawn:
        return f"{title} is withdrawn: {withdrawn}; {rest}."
    return f"{actor.name} reports that {title} is over; {rest}."


def acknowledged(actor: Actor, note: str | None) -> str:
    """Somebody took it."""
    return f"{actor.name} acknowledged{_by(actor)}; the escalation stopped.{_note(note)}"


def remark(by: str, note: str) -> str:
    """What a sender tells of the person on its side, as a note."""
    return " ".join(part for part in (f"({by})" if by else "", note) if part)


def seen_too(actor: Actor, note: str, why_not: str) -> str:
    """A sender acknowledged what somebody else has already."""
    return f"{actor.name} acknowledged too. {why_not}{_note(note)}"


def noted(actor: Actor, note: str) -> str:
    """A sender added a note to an alert."""
    return f"{actor.name} noted: {note}"


def resolved(actor: Actor, reason: str, note: str | None) -> str:
    """It is over."""
    if reason == "maintenance_cancelled":
        return f"{actor.name} called the maintenance off{_by(actor)}.{_note(note)}"
    if reason == "maintenance_over":
        return f"{actor.name} reports{_by(actor)} that the maintenance is over.{_note(note)}"
    if reason == "source_resolved":
        return f"{actor.name} reports that all is well again; the incident is resolved."
    if reason == "alert_withdrawn":
        return "Nobody waits any more for what the incident was about, so it is resolved; whether that is well is not known."
    if reason == "false_positive":
        return "The incident is closed as a false positive."
    return f"{actor.name} resolved the incident{_by(actor)}.{_note(note)}"


def judged(actor: Actor, verdict: Verdict, note: str | None) -> str:
    """A verdict."""
    what = "confirmed that the incident is real" if verdict == "confirmed" else "called it a false positive"
    return f"{actor.name} {what}.{_note(note)}"


def updated(update: Update) -> str:
    """An update, in the person's own words."""
    return f"{update.by} told {_and([_AUDIENCES[each] for each in update.audiences])}: {update.text}"


def rca_issued(actor: Actor, url: str, note: str | None) -> str:
    """The RCA is there."""
    return f"{actor.name} issued the root cause analysis: {url}{_note(note)}"


def rca_sent() -> str:
    """The RCA goes out."""
    return "The root cause analysis goes to those to whom it was promised."


def rung_due(number: int, name: str, reason: RungReason, late: timedelta | None, actor: Actor) -> str:
    """A rung fires."""
    delay = f", {duration(late)} late" if late else ""
    return f"Rung {number} ({name}) is due{delay}: {_RUNG_REASONS[reason].format(actor=actor.name)}."


def given_up(rounds: int) -> str:
    """The ladder ran out for good."""
    times = "once" if rounds == 1 else f"{rounds} times"
    return f"Nobody acknowledged: the whole ladder was climbed {times} and pages nobody further. Escalate by hand to go on."


def last_rung_unreached() -> str:
    """Nobody on the top of the ladder could be told."""
    return "Nobody of the last rung could be reached; there is no rung above it."


def obligation_sent(obligation: Obligation, late: timedelta | None, now: datetime) -> str:
    """The system sent what it owed."""
    delay = f", {duration(late)} late" if late else ""
    return f"The {KINDS[obligation.kind]} was sent{delay}; {_promise(obligation, now)}."


def obligation_missed(obligation: Obligation, due_at: datetime, now: datetime) -> str:
    """A person missed what they owed."""
    return f"The {KINDS[obligation.kind]} was due by {clock_time(due_at, now)} and did not come; {_promise(obligation, now)}."


def obligation_set_forward(obligation: Obligation, now: datetime) -> str:
    """An update kept it."""
    late = f", {duration(obligation.late_by)} late" if obligation.late_by else ""
    return f"The update counts as the {KINDS[obligation.kind]}{late}; {_promise(obligation, now)}."


def obligation_waived(obligation: Obligation) -> str:
    """Nobody owes it any more."""
    return f"The {KINDS[obligation.kind]} is waived."


def rca_due(obligation: Obligation, now: datetime) -> str:
    """The RCA is owed now."""
    return (
        f"The root cause analysis is owed; until it is issued its status goes out, first at {clock_time(obligation.due_at, now)}."
        if obligation.due_at
        else ""
    )


def message_due(kind: ObligationKind, words: str | None, since: datetime, now: datetime) -> str:
    """A message that the system owes goes out."""
    if kind == "incident_call":
        return "The incident call is due; the incident team is called together."
    said = "with the newest update" if words else f"saying that nothing changed since {clock_time(since, now)}"
    return f"The {KINDS[kind]} goes out {said}."


def reminded(kind: ObligationKind, due_at: datetime, now: datetime) -> str:
    """The owner is reminded."""
    was = "was" if due_at < now else "is"
    return f"The {KINDS[kind]} {was} due by {clock_time(due_at, now)}; its owner is reminded."


def miss_escalated(kind: ObligationKind, roles: Sequence[RoleRef]) -> str:
    """A miss is told to others."""
    told = [_role(ref) for ref in roles]
    return f"The {KINDS[kind]} is missing; {_and(told)} {'is' if len(told) == 1 else 'are'} told."


def update_sent(audiences: Sequence[str]) -> str:
    """An update goes out."""
    outside = [_AUDIENCES[each] for each in audiences if each != "team"]
    return f"The update goes out to the contacts of {_and(outside)}."


def tickets_told(what: str, tickets: Sequence[Ticket]) -> str:
    """Something goes back to the tickets."""
    names = _and([ticket.name for ticket in tickets])
    return f"Ticket{'s' if len(tickets) > 1 else ''} {names} {'are' if len(tickets) > 1 else 'is'} told {what}."


def closing(count: int) -> str:
    """The closing word goes out."""
    return f"The closing word goes to everyone who was reached ({count})."


def closing_to_all() -> str:
    """The closing word goes out, to how many nobody can say yet."""
    return "The closing word goes to everyone who was reached."


def closing_to(name: str) -> str:
    """One who was reached while it closed gets the closing word too."""
    return f"{name} was reached while the incident closed, and gets the closing word too."


def stretch(window: Window, now: datetime) -> str:
    """``20:00 UTC to 22:00 UTC``, ``from 20:00 UTC`` where nobody knows the end."""
    if window.ends_at is None:
        return f"from {clock_time(window.starts_at, now)}"
    return f"{clock_time(window.starts_at, now)} to {clock_time(window.ends_at, now)}"


def window_moved(window: Window, before: Window | None, actor: Actor, now: datetime) -> str:
    """It takes place at another time."""
    was = f", before it was {stretch(before, now)}" if before else ""
    return f"{actor.name} moved it: now it is {stretch(window, now)}{was}."


def details_changed(names: Sequence[str], actor: Actor) -> str:
    """Something else is announced otherwise."""
    return f"{actor.name} changed what is announced: {_and([name.replace('_', ' ') for name in names])}."


def change_told() -> str:
    """A change of what is announced goes out."""
    return "The change goes to the team and to everyone who was reached."


def maintenance_begun(window: Window, late: timedelta | None, now: datetime) -> str:
    """The window begins."""
    end = f"; it is planned to end by {clock_time(window.ends_at, now)}" if window.ends_at else ""
    delay = f", noted {duration(late)} late" if late else ""
    return f"The maintenance has begun{delay}{end}."


def window_over(ends_at: datetime, now: datetime) -> str:
    """A maintenance should be over."""
    return f"The maintenance was planned to end by {clock_time(ends_at, now)} and is still open; its team is reminded."


def addressed(addressees: Sequence[Addressee], skipped: Sequence[Skipped], *, page: bool) -> str:
    """Who is being paged, who is not, and who takes their place."""
    replaced = {each.backup_for: each.name for each in addressees if each.backup_for}
    verb = "paged" if page else "told"
    parts = []
    for each in skipped:
        instead = replaced.get(each.name)
        tail = f"; {instead}, the backup, is {verb} instead" if instead else ""
        parts.append(f"{each.name} {_SKIPPED[each.reason]}{tail}.")
    stood_in = {replaced[each.name] for each in skipped if each.name in replaced}
    others = [each.name for each in addressees if each.name not in stood_in]
    if page and others:
        parts.append(f"{_and(others)} {'is' if len(others) == 1 else 'are'} being paged.")
    return " ".join(parts)


def paged(fact: DeliverySent) -> str:
    """A page went out."""
    where = " (kept in the local outbox)" if fact.provider == "local" else ""
    return f"{fact.recipient.name} was paged by {channel(fact.channel)}{where}."


def failed(fact: DeliveryFailed) -> str:
    """A message to somebody failed for good on one channel."""
    if fact.recipient.ref.startswith(TICKET):
        return _comment_failed(fact)
    name = channel(fact.channel)
    return f"{name[0].upper()}{name[1:]} to {fact.recipient.name} {_FAILED.get(fact.reason, 'failed')}."


def _comment_failed(fact: DeliveryFailed) -> str:
    """A comment failed for good: for those who look after the helpdesk's API, its own words."""
    if fact.reason == "channel_not_configured":
        return f"No helpdesk's API is configured for {fact.channel}, so nothing is written on {fact.recipient.name}."
    detail = f" ({fact.detail})" if fact.detail else ""
    return f"The comment on {fact.recipient.name} {_FAILED.get(fact.reason, 'failed')}{detail}."


def exhausted(reason: str, detail: str) -> str:
    """Nobody of a notification could be told."""
    what = "Nobody was found to tell" if reason == "nobody_found" else "Nobody could be reached"
    return f"{what}{f': {detail}' if detail else ''}".rstrip(".") + "."


def answered(name: str, word: str, channel_name: str, why_not: str) -> str:
    """A reply that changed nothing."""
    return f"{name} answered {word} by {channel(channel_name)}. {why_not}"


def _promise(obligation: Obligation, now: datetime) -> str:
    return f"the next is due by {clock_time(obligation.due_at, now)}" if obligation.due_at else "none is due any more"


def _role(ref: RoleRef) -> str:
    """A reference as people call it; ids of people, teams and rotas are their own names."""
    return _ROLES.get(ref) or ref.partition(":")[2].replace("-", " ").capitalize() or ref.replace("-", " ")


def _by(actor: Actor) -> str:
    return f" by {channel(actor.via)}" if actor.via in CHANNELS else ""


def _note(note: str | None) -> str:
    return f" {note}" if note else ""


def _and(names: Sequence[str]) -> str:
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
