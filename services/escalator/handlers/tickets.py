"""Tickets that come again: whether they bring anything new, or only our own words."""

from libs.common.events.base import Actor
from libs.common.events.incidents import IncidentNoted
from libs.common.events.triggers import TriggerReceived
from libs.common.logs import get_logger
from services.escalator.domain import timeline
from services.escalator.domain.correlation import Drop, is_echo
from services.escalator.handlers.case import Desk, hold
from services.escalator.store import alerts, records

log = get_logger(__name__)


async def only_echoed(desk: Desk, trigger: TriggerReceived, actor: Actor) -> bool:
    """Whether a ticket was only posted again after its incident's end, as it was; then the incident's timeline says so once."""
    if trigger.ticket is None:
        return False
    session = desk.tx.session
    ended = await alerts.last_ended(session, trigger.integration_id, trigger.dedup_key)
    if ended is None or not is_echo(trigger, ended, desk.tx.now):
        return False
    dropped = Drop("unchanged_ticket")
    log.info("trigger dropped", reason=dropped.reason, integration=actor.id, dedup_key=trigger.dedup_key)
    case = await hold(desk, ended.incident_id)
    text = timeline.ticket_unchanged(trigger.ticket, actor)
    if case is not None and not await records.said(session, ended.incident_id, text):
        await case.tell(IncidentNoted, text=text, actor=actor, reason="nothing_new")
    return True
