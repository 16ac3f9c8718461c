"""What became of messages: it stands on the timeline, and where nobody was told the ladder goes on at once."""

from uuid import UUID

from libs.common.errors import Conflict
from libs.common.events.base import SYSTEM, TICKET, Actor
from libs.common.events.deliveries import (
    DeliveryAddressed,
    DeliveryExhausted,
    DeliveryFailed,
    DeliverySent,
    ReplyReceived,
)
from libs.common.events.incidents import IncidentNoted, Purpose
from libs.common.logs import get_logger
from services.escalator.domain import acting, timeline
from services.escalator.handlers.actions import acknowledge, resolve
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.handlers.ladder import on_nobody_told
from services.escalator.store import records

log = get_logger(__name__)

AFTER_THE_END: tuple[Purpose, ...] = ("closing", "rca_status", "update", "notice")
"""Messages that may come after an incident's end: who gets one needs no closing word besides."""


async def on_addressed(desk: Desk, fact: DeliveryAddressed) -> None:
    """Who is being told, and who is not."""
    case = await _case(desk, fact.subject_id)
    text = timeline.addressed(fact.addressees, fact.skipped, page=fact.purpose == "page")
    if case is None or not text:
        return
    reason = fact.skipped[0].reason if fact.skipped else "paging"
    await case.tell(IncidentNoted, text=text, actor=SYSTEM, reason=reason)


async def on_sent(desk: Desk, fact: DeliverySent) -> None:
    """Somebody was reached: they will hear of the end too."""
    case = await _case(desk, fact.subject_id)
    if case is None:
        return
    to = fact.recipient
    if to.ref.startswith(TICKET):  # told of the end whether or not it was told of anything before
        return
    new = await records.note_reached(desk.tx.session, case.incident.id, to.ref, to.name, desk.tx.now)
    if fact.purpose == "page":
        await case.tell(IncidentNoted, text=timeline.paged(fact), actor=SYSTEM, reason="paged")
    if new and case.incident.state == "resolved" and fact.purpose not in AFTER_THE_END:
        course = case.course()
        acting.last_word(course, (to.ref,), timeline.closing_to(to.name), "reached_meanwhile")
        await case.follow(course)


async def on_failed(desk: Desk, fact: DeliveryFailed) -> None:
    """A message to somebody failed on one channel; what is tried again is not worth a line, nor is the same trouble of a ticket twice."""
    if fact.retry_at is not None or fact.reason == "withdrawn":
        return
    case = await _case(desk, fact.subject_id)
    if case is None:
        return
    text = timeline.failed(fact)
    if fact.recipient.ref.startswith(TICKET) and await records.said(desk.tx.session, case.incident.id, text):
        return
    await case.tell(IncidentNoted, text=text, actor=SYSTEM, reason=fact.reason)


async def on_exhausted(desk: Desk, fact: DeliveryExhausted) -> None:
    """Nobody of a notification could be told: for a page, the next rung comes at once."""
    case = await _case(desk, fact.subject_id)
    if case is None:
        return
    text = timeline.exhausted(fact.reason, fact.detail)
    await case.tell(IncidentNoted, text=text, actor=SYSTEM, reason=fact.reason)
    if fact.purpose == "page":
        await on_nobody_told(case, fact.slot, fact.reason)


async def on_reply(desk: Desk, reply: ReplyReceived) -> None:
    """Somebody answered a page. What the incident's state does not allow any more is noted, and nothing else."""
    case = await _case(desk, reply.subject_id)
    if case is None:
        return
    actor = _person(reply)
    if case.incident.state == "resolved":
        await _only_note(case, reply, actor, f"Incident {case.incident.number} is over already.")
        return
    try:
        if reply.action == "acknowledge":
            await acknowledge(case, actor)
        else:
            await resolve(case, actor)
    except Conflict as error:
        await _only_note(case, reply, actor, error.detail)


async def _only_note(case: Case, reply: ReplyReceived, actor: Actor, why_not: str) -> None:
    word = "ACK" if reply.action == "acknowledge" else "RESOLVE"
    text = timeline.answered(actor.name, word, reply.channel, why_not)
    await case.tell(IncidentNoted, text=text, actor=actor, reason="reply_changed_nothing")


def _person(reply: ReplyReceived) -> Actor:
    person = reply.sender.ref.removeprefix("person:")
    return Actor(kind="person", id=person, name=reply.sender.name, via=reply.channel)


async def _case(desk: Desk, subject_id: UUID) -> Case | None:
    """The incident that a delivery is about; ``None`` for that of a notice."""
    case = await hold(desk, subject_id)
    if case is None:
        log.debug("delivery of no incident", subject_id=str(subject_id))
    return case
