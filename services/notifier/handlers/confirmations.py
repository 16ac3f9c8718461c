"""Takes in what providers say about messages that they took."""

from dataclasses import dataclass

from libs.common.db.session import ReadSession, WriteSession
from libs.common.db.work import Tx
from libs.common.logs import bind_incident, get_logger
from services.notifier.channels.base import GiveUp
from services.notifier.domain.callback import Callback, Decision, Standing, of_status
from services.notifier.handlers.sending import Sending
from services.notifier.store import attempts as store
from services.notifier.store.tables import Attempt, Notification

log = get_logger(__name__)


@dataclass
class Confirmations:
    """Handles what providers say of a message later."""

    sending: Sending

    async def take(self, tx: Tx, callback: Callback) -> Decision:
        """Note it. What comes out of order changes nothing that is settled."""
        attempt = await meant(tx.session, callback)
        if attempt is not None:
            bind_incident(attempt.subject_id)
        decision = of_status(callback, await standing_of(tx.session, attempt))
        if attempt is None:
            log.warning("status_of_unknown_message", provider=callback.provider, status=callback.reported)
        elif decision.reason in {"next_contact", "lost"}:
            lost = GiveUp(callback.lost or "undelivered", callback.detail)
            await self.sending.bounced(tx, attempt.id, attempt.notification_id, lost)
        elif decision.reason in {"accepted", "confirmed"}:
            locked = await store.lock_attempt(tx.session, attempt.id)
            if locked is not None and locked.state != "failed":
                confirm = self.sending.confirmed if decision.reason == "confirmed" else self.sending.accepted
                await confirm(tx, locked, callback.message)
        return decision


async def meant(session: ReadSession | WriteSession, callback: Callback) -> Attempt | None:
    """The message that a callback is about, if it is one of ours that this provider carried."""
    known = callback.attempt
    if known is None and callback.message:
        known = await store.id_of_provider(session, callback.provider, callback.message)
    attempt = None if known is None else await store.find_attempt(session, known)
    return attempt if attempt is not None and attempt.provider == callback.provider else None


async def standing_of(session: ReadSession | WriteSession, attempt: Attempt | None) -> Standing | None:
    """How a message stands, as decisions need it."""
    if attempt is None:
        return None
    notification = await session.get(Notification, attempt.notification_id)
    wanted = notification is None or not notification.withdrawn
    return Standing(attempt.state, attempt.confirmed_at is not None, str(attempt.recipient["name"]), wanted)
