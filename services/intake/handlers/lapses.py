"""Alerts that are over since their sender did not repeat them."""

from datetime import timedelta
from typing import Final

from pydantic_core import to_json

from libs.common.db.timers import DueTimer
from libs.common.db.work import Tx
from libs.common.logs import get_logger
from services.intake.domain.lapse import judge
from services.intake.handlers.receive import Receiver
from services.intake.handlers.senders import integration_of, source_named
from services.intake.store import integrations, lapses

log = get_logger(__name__)

JSON: Final = {"content-type": "application/json"}


async def on_timer(tx: Tx, receiver: Receiver, timer: DueTimer) -> None:
    """An alert was not repeated, unless it was meanwhile: tell that it is over, as its sender would have."""
    if await lapses.held(tx, timer.key) != timer.due_at:
        return
    record = await integrations.integration(tx.session, timer.payload["integration"])
    integration = None if record is None else integration_of(record)
    if integration is None or integration.source != timer.payload["source"]:
        return
    given = timedelta(seconds=timer.payload["given"])
    verdict = judge(timer.due_at, tx.now, given, patient=bool(timer.payload.get("patient")))
    log.info("alert not repeated", integration=integration.id, key=timer.key, reason=verdict.reason)
    if verdict.look_again_at is not None:
        await tx.schedule(timer.kind, timer.key, verdict.look_again_at, {**timer.payload, "patient": True})
        return
    body = to_json(timer.payload["note"])
    await receiver.receive_in(tx, source_named(integration.source), integration, JSON, body)
