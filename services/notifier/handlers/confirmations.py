"""Takes in what providers say about messages that they took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from libs.common.db.work import Tx
from libs.common.logs import bind_incident, get_logger
from services.notifier.channels.base import GiveUp
from services.notifier.channels.twilio_sms import FOR_GOOD
from services.notifier.handlers.sending import Sending
from services.notifier.store import attempts as store

log = get_logger(__name__)

MEANING: Final[Mapping[str, Literal["taken", "arrived", "lost"]]] = {
    "accepted": "taken",
    "scheduled": "taken",
    "queued": "taken",
    "sending": "taken",
    "sent": "taken",
    "delivered": "arrived",
    "read": "arrived",
    "undelivered": "lost",
    "failed": "lost",
    "canceled": "lost",
}
"""Twilio's message statuses (https://www.twilio.com/docs/messaging/api/message-resource#message-status-values)."""


@dataclass(frozen=True)
class Status:
    """One callback: ``attempt`` is ours, from the callback's address, ``provider_id`` is theirs."""

    provider: str
    provider_id: str
    status: str
    attempt: UUID | None = None
    code: int | None = None
    detail: str = ""


@dataclass
class Confirmations:
    """Handles what providers say of a message later."""

    sending: Sending

    async def take(self, tx: Tx, status: Status) -> bool:
        """Note it; false where nobody knows the message. What comes out of order changes nothing that is settled."""
        known = status.attempt or await store.id_of_provider(tx.session, status.provider, status.provider_id)
        attempt = None if known is None else await store.find_attempt(tx.session, known)
        if attempt is None or attempt.provider != status.provider:
            return False
        bind_incident(attempt.subject_id)
        meaning = MEANING.get(status.status)
        if meaning == "lost":
            sentence = f"{status.provider} {status.code or ''}: {status.detail or status.status}".replace(" :", ":")
            reason = FOR_GOOD.get(status.code or 0, "undelivered")
            await self.sending.bounced(tx, attempt.id, attempt.notification_id, GiveUp(reason, sentence))
        elif meaning is not None:
            locked = await store.lock_attempt(tx.session, attempt.id)
            if locked is not None and locked.state != "failed":
                confirm = self.sending.confirmed if meaning == "arrived" else self.sending.accepted
                await confirm(tx, locked, status.provider_id)
        return True
