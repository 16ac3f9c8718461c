"""Bodies in quarantine: a person is told, but not of each one that a broken sender goes on posting."""

import hashlib
from datetime import timedelta
from typing import Final

from libs.common.db.timers import DueTimer
from libs.common.events.incidents import NoticeDue
from libs.common.events.triggers import TriggerQuarantined
from libs.common.logs import get_logger
from services.escalator.handlers.case import Desk
from services.escalator.store import alerts, policies

log = get_logger(__name__)

TOLD: Final = "quarantine"
"""The kind of timer that stands while somebody was told of an integration's bodies not long ago."""

UNKNOWN_STATE: Final = "unknown-state"
"""The reason with which intake tells that a provider's page could not be read for some time. It tells so once."""

AGAIN_AFTER: Final = timedelta(hours=1)
"""So long nobody is told of the same trouble of the same integration again: every body is kept all the same."""

EACH: Final = frozenset({"mail"})
"""Sources of which every body is a matter of its own, told apart by its sentence: what one mail says tells nothing of the next."""


async def on_quarantined(desk: Desk, event: TriggerQuarantined, statuspage_url: str | None = None) -> None:
    """A body could not be understood: somebody must look at it, lest an alarm stays unheard.

    ``statuspage_url`` is where the console is reached, which makes an incident of the body with one click.
    """
    trouble = f"{event.integration_id}:{event.reason}"
    if event.source in EACH:
        trouble += f":{hashlib.sha256(event.detail.encode()).hexdigest()[:16]}"
    await alerts.one_at_a_time(desk.tx.session, event.integration_id, trouble, trouble)
    if await desk.tx.scheduled(TOLD, trouble) is not None:
        log.info("quarantine told before", integration=event.integration_id, reason=event.reason)
        return
    await desk.tx.schedule(TOLD, trouble, desk.tx.now + AGAIN_AFTER)
    routing = (await policies.current(desk.tx.session)).routing
    await desk.tx.emit(
        NoticeDue(
            notice_id=event.delivery_id,
            title=_title(event),
            text=_text(event, statuspage_url),
            audience=routing.told_of(event.source),
            reason=event.reason,
            at=desk.tx.now,
        )
    )


def _title(event: TriggerQuarantined) -> str:
    sender = event.integration_name or event.integration_id
    if event.reason == UNKNOWN_STATE:
        return f"Nobody knows how things stand: {sender} cannot be read"
    return f"A message from {sender} could not be understood"


def _text(event: TriggerQuarantined, statuspage_url: str | None) -> str:
    place = _place(event, statuspage_url)
    if event.reason == UNKNOWN_STATE:
        return f"{event.detail} What is open stays open. Look at the provider's own page{place}. You are not told again until it could be read once."
    return (
        f"{event.detail} It is kept in quarantine; look at it, since it may be an alarm{place}."
        " Of more like it within an hour you are not told again."
    )


def _place(event: TriggerQuarantined, statuspage_url: str | None) -> str:
    """Where it is looked at; the console finds it by its delivery."""
    return (
        ""
        if statuspage_url is None
        else f", and make an incident of it there: {statuspage_url}/console/quarantine/{event.delivery_id}"
    )


async def on_told_timer(_desk: Desk, timer: DueTimer) -> None:
    """The hour is over: of the next body somebody is told again."""
    log.debug("quarantine may be told again", trouble=timer.key)
