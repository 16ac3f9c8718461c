"""What people, and sources, do to an incident: what is told then, and what is waited for. A repeat changes nothing and is no error."""

from collections.abc import Collection, Sequence

from libs.common.events.base import Actor, RoleRef, Verdict
from libs.common.events.incidents import (
    CommunicationDue,
    IncidentAcknowledged,
    IncidentResolved,
    Obligation,
    RcaIssued,
    Update,
    UpdatePosted,
    VerdictGiven,
)
from libs.common.events.triggers import MaintenanceEnding
from services.escalator.domain import climbing, promising, ticketing, timeline
from services.escalator.domain import incident as states
from services.escalator.domain.course import WINDOW, WINDOW_BEGIN, Course
from services.escalator.domain.incident import EndReason, Move, Moved
from services.escalator.domain.obligations import KEPT_BY, Audience

AUDIENCES: tuple[Audience, ...] = ("team", "tenant", "client")
CONTACTS: dict[Audience, RoleRef] = {"tenant": "tenant-contacts", "client": "client-contacts"}
"""Who an audience is where the incident's clocks do not say."""


def acknowledge(course: Course, actor: Actor, note: str | None = None) -> Move:
    """Take the incident: the ladder stops for everyone. Raises :class:`Conflict`."""
    move = states.acknowledge(course.incident, actor, course.now)
    if isinstance(move, Moved):
        text = timeline.acknowledged(actor, note)
        course.tell(IncidentAcknowledged, move.incident, text=text, actor=actor, reason=move.reason)
        climbing.wind(course)
        ticketing.acknowledged(course, course.incident.tickets)
    return move


def resolve(
    course: Course,
    actor: Actor,
    note: str | None = None,
    *,
    reached: Sequence[RoleRef] = (),
    reason: EndReason = "resolved_by_hand",
    ending: MaintenanceEnding | None = None,
) -> Move:
    """End the incident, by a person or for what its source says. Those ``reached`` get the closing word.

    ``ending`` is how a maintenance ended, where somebody says so.
    """
    before = course.incident.obligations
    move = states.resolve(course.incident, actor, course.now, course.plan.clocks, reason, ending)
    if isinstance(move, Moved):
        text = timeline.resolved(actor, move.reason, note)
        course.tell(IncidentResolved, move.incident, text=text, actor=actor, reason=move.reason)
        _close(course, before, actor, reached, timeline.NOT_WATCHED if move.reason == "alert_withdrawn" else None)
    return move


def judge(
    course: Course, actor: Actor, verdict: Verdict, note: str | None = None, *, reached: Sequence[RoleRef] = ()
) -> Move:
    """Give a verdict; a false positive ends the incident. Raises :class:`Conflict`."""
    before, was_over = course.incident.obligations, course.incident.state == "resolved"
    move = states.judge(course.incident, verdict, actor, course.now, course.plan.clocks)
    if not isinstance(move, Moved):
        return move
    text = timeline.judged(actor, verdict, note)
    course.tell(VerdictGiven, move.incident, text=text, actor=actor, reason=move.reason, verdict=verdict)
    if course.incident.state == "resolved" and not was_over:
        closed = timeline.resolved(actor, move.reason, None)
        course.tell(IncidentResolved, text=closed, actor=actor, reason=move.reason)
        _close(course, before, actor, reached)
    else:
        promising.tell_moved(course, before, actor, "resolved")
    return move


def post_update(course: Course, actor: Actor, text: str, audiences: Collection[Audience]) -> Update | None:
    """Write an update: it keeps the promises to its audiences, and goes out to those outside. ``None`` for a repeat."""
    wanted, before = {"team", *audiences}, course.incident.obligations
    update = Update(
        text=text, by=actor.name, at=course.now, audiences=tuple(each for each in AUDIENCES if each in wanted)
    )
    move = states.post(course.incident, update)
    if not isinstance(move, Moved):
        return None
    said = timeline.updated(update)
    course.tell(UpdatePosted, move.incident, text=said, actor=actor, reason=move.reason, update=update)
    version = course.incident.version
    promising.tell_moved(course, before, actor, "update_posted")
    _send(course, update, version)
    ticketing.updated(course, update, version)
    return update


def issue_rca(course: Course, actor: Actor, url: str, note: str | None = None) -> Move:
    """Issue the root cause analysis: its status ends, and who was promised it gets it. Raises :class:`Conflict`."""
    before = course.incident.obligations
    move = states.issue_rca(course.incident, url, course.now)
    if not isinstance(move, Moved):
        return move
    text = timeline.rca_issued(actor, url, note)
    course.tell(RcaIssued, move.incident, text=text, actor=actor, reason=move.reason)
    version = course.incident.version
    promising.tell_moved(course, before, actor, "rca_issued")
    policy = course.plan.clocks.of("rca")
    if policy is not None and course.obligation("rca") is not None:
        course.tell(
            CommunicationDue,
            text=timeline.rca_sent(),
            reason="rca_issued",
            purpose="update",
            obligation="rca",
            audience=policy.audience,
            slot=f"rca-issued-{version}",
            words=f"The root cause analysis is ready: {url}",
        )
    return move


def last_word(course: Course, refs: Sequence[RoleRef], text: str, reason: str, words: str | None = None) -> None:
    """The closing word goes to these."""
    course.tell(
        CommunicationDue,
        text=text,
        reason=reason,
        purpose="closing",
        audience=tuple(refs),
        slot="closing",
        words=words,
    )


def _close(
    course: Course, before: Sequence[Obligation], actor: Actor, reached: Sequence[RoleRef], words: str | None = None
) -> None:
    """What every end of an incident brings: nothing further fires, and everyone who was reached hears of it."""
    climbing.wind(course)
    course.waits |= {WINDOW_BEGIN: None, WINDOW: None}
    promising.tell_moved(course, before, actor, "resolved")
    if reached:
        last_word(course, reached, timeline.closing(len(reached)), "resolved", words)
    ticketing.ended(course)


def _send(course: Course, update: Update, version: int) -> None:
    """Send a person's words to those outside for whom they are."""
    audience: list[RoleRef] = []
    promises = []
    for each in update.audiences:
        if each == "team":
            continue
        kept = [owed for kind in KEPT_BY[each] if (owed := course.obligation(kind)) and owed.due_at]
        policies = [policy for owed in kept if (policy := course.plan.clocks.of(owed.kind))]
        audience += [ref for policy in policies for ref in policy.audience] or [CONTACTS[each]]
        promises += [owed.due_at for owed in kept if owed.due_at]
    if not audience:
        return
    course.tell(
        CommunicationDue,
        text=timeline.update_sent(update.audiences),
        reason="update_posted",
        purpose="update",
        audience=tuple(dict.fromkeys(audience)),
        slot=f"update-{version}",
        words=update.text,
        since=update.at,
        next_by=min(promises, default=None),
    )
