"""What senders say of their alerts beside that they fire or end: somebody took notice there, or wrote a note."""

from libs.common.errors import Conflict
from libs.common.events.base import Actor
from libs.common.events.incidents import IncidentNoted
from libs.common.events.triggers import TriggerAcknowledged, TriggerNoted
from libs.common.logs import get_logger
from services.escalator.domain import timeline
from services.escalator.handlers.actions import acknowledge
from services.escalator.handlers.case import Case, Desk, hold
from services.escalator.store import alerts

log = get_logger(__name__)


async def on_acknowledged(desk: Desk, remark: TriggerAcknowledged) -> None:
    """Acknowledge the open incident of the alert. Who has it keeps it; that somebody took notice there is noted."""
    case = await _case(desk, remark)
    if case is None:
        return
    actor, note = _integration(remark), timeline.remark(remark.by, remark.note)
    if await alerts.is_collected(desk.tx.session, remark.integration_id, remark.dedup_key):
        text = timeline.seen_too(actor, note, "The alert is only collected under this maintenance.")
        await case.tell(IncidentNoted, text=text, actor=actor, reason="acknowledged_by_another")
        return
    try:
        await acknowledge(case, actor, note)
    except Conflict as error:
        text = timeline.seen_too(actor, note, error.detail)
        await case.tell(IncidentNoted, text=text, actor=actor, reason="acknowledged_by_another")


async def on_noted(desk: Desk, remark: TriggerNoted) -> None:
    """Put the note on the timeline of the open incident of the alert."""
    case = await _case(desk, remark)
    if case is None:
        return
    actor = _integration(remark)
    text = timeline.noted(actor, timeline.remark(remark.by, remark.note))
    await case.tell(IncidentNoted, text=text, actor=actor, reason="note_of_the_sender")


async def _case(desk: Desk, remark: TriggerAcknowledged | TriggerNoted) -> Case | None:
    """The open incident that the alert belongs to, under its lock; ``None`` where there is none any more."""
    session, source, key = desk.tx.session, remark.integration_id, remark.dedup_key
    await alerts.one_at_a_time(session, source, key, key)
    await alerts.lock_incidents(session, source, {key})
    for alert in await alerts.known(session, source, {key}):
        return await hold(desk, alert.incident_id)
    log.info("remark dropped", reason="unknown_alert", remark=remark.type, integration=source, dedup_key=key)
    return None


def _integration(remark: TriggerAcknowledged | TriggerNoted) -> Actor:
    name = remark.integration_name or remark.integration_id
    return Actor(kind="integration", id=remark.integration_id, name=name, via=remark.source)
