"""What people do to an incident. A repeat of what is so already changes nothing and is no error."""

from collections.abc import Collection

from libs.common.events.base import SYSTEM, Actor, RoleRef, Verdict
from libs.common.events.incidents import (
    CommunicationDue,
    IncidentAcknowledged,
    IncidentResolved,
    RcaIssued,
    Update,
    UpdatePosted,
    VerdictGiven,
)
from libs.common.logs import get_logger
from services.escalator.domain import incident as states
from services.escalator.domain import ladder as rungs
from services.escalator.domain import timeline
from services.escalator.domain.incident import EndReason, Move, Moved, Unmoved
from services.escalator.domain.obligations import KEPT_BY, Audience
from services.escalator.handlers import ladder, obligations
from services.escalator.handlers.case import Case
from services.escalator.handlers.closing import close
from services.escalator.store.tables import UpdateRow

log = get_logger(__name__)

AUDIENCES: tuple[Audience, ...] = ("team", "tenant", "client")
CONTACTS: dict[Audience, RoleRef] = {"tenant": "tenant-contacts", "client": "client-contacts"}
"""Who an audience is where the incident's clocks do not say."""


async def acknowledge(case: Case, actor: Actor, note: str | None = None) -> None:
    """Take the incident: the ladder stops for everyone. Raises :class:`Conflict`."""
    moved = _moved(states.acknowledge(case.incident, actor, case.desk.tx.now))
    if moved is None:
        return
    text = timeline.acknowledged(actor, note)
    await case.tell(IncidentAcknowledged, moved.incident, text=text, actor=actor, reason=moved.reason)
    await ladder.wind(case)


async def resolve(case: Case, actor: Actor, note: str | None = None, *, by_source: bool = False) -> None:
    """End the incident, by a person or because its source says that all is well again."""
    before = case.incident.obligations
    reason: EndReason = "source_resolved" if by_source else "resolved_by_hand"
    moved = _moved(states.resolve(case.incident, actor, case.desk.tx.now, case.plan.clocks, reason))
    if moved is None:
        return
    text = timeline.resolved(actor, moved.reason, note)
    await case.tell(IncidentResolved, moved.incident, text=text, actor=actor, reason=moved.reason)
    await close(case, before, actor)


async def judge(case: Case, actor: Actor, verdict: Verdict, note: str | None = None) -> None:
    """Give a verdict; a false positive ends the incident. Raises :class:`Conflict`."""
    before, was_over = case.incident.obligations, case.incident.state == "resolved"
    moved = _moved(states.judge(case.incident, verdict, actor, case.desk.tx.now, case.plan.clocks))
    if moved is None:
        return
    text = timeline.judged(actor, verdict, note)
    await case.tell(VerdictGiven, moved.incident, text=text, actor=actor, reason=moved.reason, verdict=verdict)
    if case.incident.state == "resolved" and not was_over:
        closed = timeline.resolved(actor, moved.reason, None)
        await case.tell(IncidentResolved, text=closed, actor=actor, reason=moved.reason)
        await close(case, before, actor)
    else:
        await obligations.tell_moved(case, before, actor, "resolved")


async def post_update(case: Case, actor: Actor, text: str, audiences: Collection[Audience]) -> None:
    """Write an update: it stands in the record, keeps the promises to its audiences, and goes out to those outside."""
    tx, before = case.desk.tx, case.incident.obligations
    wanted = {"team", *audiences}
    update = Update(text=text, by=actor.name, at=tx.now, audiences=tuple(each for each in AUDIENCES if each in wanted))
    moved = _moved(states.post(case.incident, update))
    if moved is None:
        return
    tx.session.add(
        UpdateRow(
            id=tx.chance.uuid7(tx.now),
            incident_id=case.incident.id,
            at=tx.now,
            by=update.by,
            text=update.text,
            audiences=list(update.audiences),
        )
    )
    await case.tell(
        UpdatePosted, moved.incident, text=timeline.updated(update), actor=actor, reason=moved.reason, update=update
    )
    version = case.incident.version
    await obligations.tell_moved(case, before, actor, "update_posted")
    await _send(case, update, version)


async def escalate(case: Case, actor: Actor, wanted: int | None = None) -> None:
    """Fire the next rung now. Raises :class:`Conflict` where the incident is over."""
    now = case.desk.tx.now
    states.refuse_escalation(case.incident, now)
    await ladder.follow(case, rungs.by_hand(case.incident, wanted, now), actor)


async def issue_rca(case: Case, actor: Actor, url: str, note: str | None = None) -> None:
    """Issue the root cause analysis: its status ends, and who was promised it gets it. Raises :class:`Conflict`."""
    before = case.incident
    moved = _moved(states.issue_rca(before, url, case.desk.tx.now))
    if moved is None:
        return
    text = timeline.rca_issued(actor, url, note)
    await case.tell(RcaIssued, moved.incident, text=text, actor=actor, reason=moved.reason)
    version = case.incident.version
    await obligations.tell_moved(case, before.obligations, actor, "rca_issued")
    policy = case.plan.clocks.of("rca")
    if policy is not None and case.obligation("rca") is not None:
        await case.tell(
            CommunicationDue,
            text=timeline.rca_sent(),
            actor=SYSTEM,
            reason="rca_issued",
            purpose="update",
            obligation="rca",
            audience=policy.audience,
            slot=f"rca-issued-{version}",
            words=f"The root cause analysis is ready: {url}",
        )


async def _send(case: Case, update: Update, version: int) -> None:
    """Send a person's words to those outside for whom they are."""
    audience: list[RoleRef] = []
    promises = []
    for each in update.audiences:
        if each == "team":
            continue
        kept = [owed for kind in KEPT_BY[each] if (owed := case.obligation(kind)) and owed.due_at]
        policies = [policy for owed in kept if (policy := case.plan.clocks.of(owed.kind))]
        audience += [ref for policy in policies for ref in policy.audience] or [CONTACTS[each]]
        promises += [owed.due_at for owed in kept if owed.due_at]
    if not audience:
        return
    await case.tell(
        CommunicationDue,
        text=timeline.update_sent(update.audiences),
        actor=SYSTEM,
        reason="update_posted",
        purpose="update",
        audience=tuple(dict.fromkeys(audience)),
        slot=f"update-{version}",
        words=update.text,
        since=update.at,
        next_by=min(promises, default=None),
    )


def _moved(move: Move) -> Moved | None:
    if isinstance(move, Unmoved):
        log.info("nothing changes", reason=move.reason)
        return None
    return move
